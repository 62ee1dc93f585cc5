import type { IncomingHttpHeaders } from 'node:http';
import type { Message } from './message.ts';
import type { UpstreamSessions } from './sessions.ts';
import { LEGACY_VERSION, MODERN_VERSION, type Shape } from './shape.ts';
import { toolName } from './tools.mjs';

export interface Refusal {
  readonly status: number;
  readonly code: number;
  readonly message: string;
}

const META_VERSION = 'io.modelcontextprotocol/protocolVersion';
const MODERN_METHODS = new Set(['server/discover', 'tools/list', 'tools/call']);
const LEGACY_METHODS = new Set(['initialize', 'ping', 'tools/list', 'tools/call', 'logging/setLevel']);

/** An upstream that took anything would not notice a gateway that sends less than the protocol asks for. */
export function refusalOf(
  shape: Shape,
  headers: IncomingHttpHeaders,
  message: Message,
  sessions: UpstreamSessions,
): Refusal | undefined {
  const refusal = shape.era === 'modern' ? modern(headers, message) : legacy(shape, headers, message, sessions);
  if (refusal || message.method !== 'tools/call') return refusal;
  return knowsTool(shape, message.tool) ? undefined : { status: 200, code: -32602, message: `no tool ${message.tool}` };
}

function modern(headers: IncomingHttpHeaders, message: Message): Refusal | undefined {
  const bad = (text: string) => ({ status: 400, code: -32020, message: text });
  if (message.meta[META_VERSION] !== MODERN_VERSION)
    return { status: 400, code: -32602, message: 'no version in _meta' };
  if (headers['mcp-protocol-version'] !== MODERN_VERSION) return bad('no version in the headers');
  if (headers['mcp-method'] !== message.method) return bad('mcp-method differs from the body');
  if (message.tool !== undefined && headers['mcp-name'] !== message.tool) return bad('mcp-name differs from the body');
  return MODERN_METHODS.has(message.method) || message.id === undefined
    ? undefined
    : { status: 404, code: -32601, message: `no method ${message.method}` };
}

function legacy(
  shape: Shape,
  headers: IncomingHttpHeaders,
  { method, id }: Message,
  sessions: UpstreamSessions,
): Refusal | undefined {
  if (method === 'initialize') return undefined;
  if (headers['mcp-protocol-version'] !== LEGACY_VERSION)
    return { status: 400, code: -32600, message: 'no protocol version in the headers' };
  if (shape.state === 'sessions' && !sessions.has(String(headers['mcp-session-id'])))
    return { status: 404, code: -32600, message: 'no such session' };
  return LEGACY_METHODS.has(method) || id === undefined
    ? undefined
    : { status: 200, code: -32601, message: `no method ${method}` };
}

function knowsTool(shape: Shape, name: string | undefined): boolean {
  const index = Number(name?.slice(5, 9));
  return index < shape.tools && name === toolName(index);
}
