import { MODERN } from './clients.js';
import { http, type RawAnswer, type RpcError } from './raw.js';

const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

export interface ModernRequest {
  readonly id?: string | number;
  /** The version in `_meta`, and in the header unless `headers` says otherwise. */
  readonly version?: string;
  readonly capabilities?: object;
  /** More of `_meta`; a member that is undefined is left out. */
  readonly meta?: Record<string, unknown>;
  /** Headers instead of those that belong to the body. */
  readonly headers?: Record<string, string>;
}

export interface ModernReply extends RawAnswer {
  readonly result?: Record<string, unknown>;
  readonly error?: RpcError;
  /** Notifications that came before the answer. */
  readonly notifications: readonly { method: string; params?: Record<string, unknown> }[];
}

/** The body of a modern request. */
export function modernBody(method: string, params: Record<string, unknown>, request: ModernRequest = {}): string {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': request.version ?? MODERN,
    'io.modelcontextprotocol/clientCapabilities': request.capabilities ?? {},
    'io.modelcontextprotocol/clientInfo': { name: 'raw-client', version: '1.0.0' },
    ...request.meta,
  };
  return JSON.stringify({ jsonrpc: '2.0', id: request.id ?? 1, method, params: { ...params, _meta } });
}

export function modernHeaders(method: string, params: Record<string, unknown>, version = MODERN) {
  const name = params[NAMED[method] ?? ''];
  return {
    'mcp-protocol-version': version,
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
  };
}

/** One modern request, spoken by hand. */
export async function modern(
  url: string,
  method: string,
  params: Record<string, unknown> = {},
  request: ModernRequest = {},
): Promise<ModernReply> {
  const headers = { ...modernHeaders(method, params, request.version), ...request.headers };
  const answer = await http(url, { headers, body: modernBody(method, params, request) });
  const messages = answer.messages.map((text) => JSON.parse(text) as Record<string, unknown>);
  const response = messages.find((message) => 'result' in message || 'error' in message) ?? {};
  const notifications = messages.filter((message) => 'method' in message) as never;
  return { ...answer, ...response, notifications };
}

/** A call of a tool. */
export async function callTool(
  url: string,
  name: string,
  params: Record<string, unknown> = {},
  request: ModernRequest = {},
): Promise<ModernReply> {
  return modern(url, 'tools/call', { name, arguments: {}, ...params }, request);
}
