import type { JsonView } from '../json/view.js';

/** `_meta` keys of the modern envelope (M:base). */
export const MODERN_META = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const;

/** What a modern message says of its sender and of itself, as it arrived: nothing here is checked. */
export interface ModernEnvelope {
  /** Its presence, whatever the value, makes the message a modern one. */
  readonly version: JsonView | undefined;
  readonly clientInfo: JsonView | undefined;
  readonly clientCapabilities: JsonView | undefined;
  readonly logLevel: JsonView | undefined;
  readonly progressToken: JsonView | undefined;
}

const ENVELOPE_KEYS = [
  MODERN_META.protocolVersion,
  MODERN_META.clientInfo,
  MODERN_META.clientCapabilities,
  MODERN_META.logLevel,
  'progressToken',
];

/** Reads the envelope of a message's params. */
export function modernEnvelope(params: JsonView | undefined): ModernEnvelope {
  const found = params?.get('_meta')?.pick(ENVELOPE_KEYS) ?? [];
  return {
    version: found[0],
    clientInfo: found[1],
    clientCapabilities: found[2],
    logLevel: found[3],
    progressToken: found[4],
  };
}

/** Requests a modern client may send. */
export const MODERN_METHODS: ReadonlySet<string> = new Set([
  'server/discover',
  'subscriptions/listen',
  'tools/list',
  'tools/call',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'completion/complete',
]);

/** Requests whose complete results carry `ttlMs` and `cacheScope` (M:cache). */
export const CACHEABLE_METHODS: ReadonlySet<string> = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/** The member of params that `Mcp-Name` repeats. Only these methods may be answered `input_required` (M:mrtr). */
export function namedMember(method: string): 'name' | 'uri' | undefined {
  switch (method) {
    case 'tools/call':
    case 'prompts/get':
      return 'name';
    case 'resources/read':
      return 'uri';
    default:
      return undefined;
  }
}
