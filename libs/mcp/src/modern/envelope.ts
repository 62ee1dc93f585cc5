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

/** What a modern message says of its sender, as it arrived: nothing here is checked. */
export interface ModernEnvelope {
  /** Its presence, whatever the value, makes the message a modern one. */
  readonly version?: JsonView;
  readonly clientInfo?: JsonView;
  readonly clientCapabilities?: JsonView;
  readonly logLevel?: JsonView;
}

/** Reads the envelope of a message's params. */
export function modernEnvelope(params: JsonView | undefined): ModernEnvelope {
  const meta = params?.get('_meta');
  if (!meta) return {};
  const version = meta.get(MODERN_META.protocolVersion);
  const clientInfo = meta.get(MODERN_META.clientInfo);
  const clientCapabilities = meta.get(MODERN_META.clientCapabilities);
  const logLevel = meta.get(MODERN_META.logLevel);
  return {
    ...(version && { version }),
    ...(clientInfo && { clientInfo }),
    ...(clientCapabilities && { clientCapabilities }),
    ...(logLevel && { logLevel }),
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
