import type { Draft } from './request.js';

/** What a client needs besides the request itself. */
export interface Identity {
  /** Headers that prove who it is. */
  readonly proof: readonly [string, string][];
  /** A legacy session of its own. */
  readonly session: string;
  /** Somebody else's. */
  readonly foreign: string;
  /** Goes along in `_meta`, so that what arrives late is told apart from what comes next. */
  readonly shot: number;
}

export const SHOT = 'fuzz/shot';

/** What whoever sends the requests may use: `delete`, `ask`, `wait` and the rest of the server are hidden. */
export const ALLOWED = ['rec:read', 'rec:write', 'prompts/rec:greet', 'resources/rec:memo://open'];
/** The same, as the server calls it. */
export const ARRIVING: ReadonlySet<unknown> = new Set(['read', 'write', 'greet', 'memo://open']);

/** For bytes that are made before there is anybody: see `World.filledIn`. */
export const PLACEHOLDERS: Identity = {
  proof: [['authorization', 'Bearer @TOKEN@']],
  session: '@SESSION@',
  foreign: '',
  shot: 0,
};

export const KINDS = [
  ...(['legacy-call', 'server-call', 'modern-call', 'modern-prompt', 'modern-read', 'modern-complete'] as const),
  ...([
    'initialize',
    'legacy-list',
    'modern-list',
    'discover',
    'listen',
    'notify',
    'get',
    'delete',
    'elsewhere',
  ] as const),
];
export type Kind = (typeof KINDS)[number];

/** Kinds that arrive at the upstream when nothing is wrong with them. */
export const FORWARDED: ReadonlySet<Kind> = new Set([
  'legacy-call',
  'server-call',
  'modern-call',
  'modern-prompt',
  'modern-read',
]);

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'fuzz', version: '1' },
};
const ARGUMENTS = { a: 1, b: ['x', null, true], c: { d: 'é' } };

/** A good request of this kind. */
export function draft(kind: Kind, { proof, session, shot }: Identity): Draft {
  const headers = (more: [string, string][]): [string, string][] => [
    ['host', '127.0.0.1'],
    ['accept', 'application/json, text/event-stream'],
    ...proof.map(([name, value]): [string, string] => [name, value]),
    ...more,
  ];
  const post = (message: object, more: [string, string][], target = '/mcp'): Draft => ({
    method: 'POST',
    target,
    headers: headers([['content-type', 'application/json'], ...more]),
    body: Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })),
    framing: 'length',
    eol: '\r\n',
  });
  const bare = (method: string, target: string, more: [string, string][]): Draft => ({
    ...post({}, []),
    ...{ method, target, headers: headers(more), body: Buffer.alloc(0) },
  });
  const ofSession: [string, string][] = [
    ['mcp-session-id', session],
    ['mcp-protocol-version', '2025-11-25'],
  ];
  const legacy = (method: string, params: object) =>
    post({ id: 1, method, params: { ...params, _meta: { [SHOT]: shot } } }, ofSession);
  const modern = (method: string, params: Record<string, unknown>) => {
    const named = params['name'] ?? params['uri'];
    const repeated: [string, string][] = [
      ['mcp-protocol-version', '2026-07-28'],
      ['mcp-method', method],
      ...(typeof named === 'string' ? [['mcp-name', named] as [string, string]] : []),
    ];
    return post({ id: 1, method, params: { ...params, _meta: { ...META, [SHOT]: shot } } }, repeated);
  };
  switch (kind) {
    case 'legacy-call':
      return legacy('tools/call', { name: 'rec:read', arguments: ARGUMENTS });
    case 'server-call':
      return { ...modern('tools/call', { name: 'read', arguments: ARGUMENTS }), target: '/mcp/rec' };
    case 'modern-call':
      return modern('tools/call', { name: 'rec:write', arguments: ARGUMENTS });
    case 'modern-prompt':
      return modern('prompts/get', { name: 'rec:greet', arguments: { who: 'x' } });
    case 'modern-read':
      return modern('resources/read', { uri: 'rec+memo://open' });
    case 'modern-complete':
      return modern('completion/complete', {
        ref: { type: 'ref/prompt', name: 'rec:no' },
        argument: { name: 'a', value: '' },
      });
    case 'initialize': {
      const clientInfo = { name: 'fuzz', version: '1' };
      return post(
        { id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } },
        [],
      );
    }
    case 'legacy-list':
      return legacy('tools/list', {});
    case 'modern-list':
      return modern('resources/list', {});
    case 'discover':
      return modern('server/discover', {});
    case 'listen':
      return modern('subscriptions/listen', { notifications: { toolsListChanged: true } });
    case 'notify':
      return post({ method: 'notifications/cancelled', params: { requestId: 99 } }, ofSession);
    case 'get':
      return bare('GET', '/mcp', ofSession);
    case 'delete':
      // never the session the other kinds use
      return bare('DELETE', '/mcp', [['mcp-session-id', `${session.slice(0, -4)}AAAA`]]);
    case 'elsewhere':
      return bare('GET', '/.well-known/oauth-protected-resource', []);
  }
}
