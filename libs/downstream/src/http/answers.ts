import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { ERRORS, type Era, GatewayError } from '#libs/kernel';
import { encodeError, errorObject } from '#libs/mcp';

export const SSE_HEADERS: Readonly<OutgoingHttpHeaders> = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** One JSON answer, head and body in one write. */
export function sendJson(res: ServerResponse, status: number, body: Buffer, headers?: OutgoingHttpHeaders): void {
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
    ...headers,
  });
  res.end(body);
}

export function sendEmpty(res: ServerResponse, status: number, headers?: OutgoingHttpHeaders): void {
  res.writeHead(status, { ...(status !== 204 && { 'content-length': 0 }), 'cache-control': 'no-store', ...headers });
  res.end();
}

/**
 * The JSON-RPC error message for a failure. `idJson` null: the request's id could not be read, which legacy clients are
 * told with `null` (L:base) and modern ones by leaving it out (M:base).
 */
export function errorMessage(
  error: GatewayError,
  idJson: string | null,
  requestId: string,
  era: Era = 'legacy',
): Buffer {
  const object = errorObject(rpcCode(error, era), error.message, error.wireData(requestId));
  if (idJson === null && era === 'modern') return Buffer.from(`{"jsonrpc":"2.0","error":${object}}`);
  return encodeError(idJson, object);
}

/** Modern clients must not see the code for missing resources of earlier revisions (M:base). */
function rpcCode({ code, entry }: GatewayError, era: Era): number {
  return code === 'UNKNOWN_RESOURCE' && era === 'modern' ? ERRORS.INVALID_PARAMS.rpc : entry.rpc;
}

/** Answers a request that failed before any stream was open. */
export function sendError(
  res: ServerResponse,
  error: GatewayError,
  idJson: string | null,
  requestId: string,
  era: Era = 'legacy',
): void {
  sendJson(res, error.entry.http, errorMessage(error, idJson, requestId, era), errorHeaders(error));
}

/** The methods of an MCP endpoint. */
export const MCP_METHODS = 'GET, POST, DELETE, OPTIONS';

export function methodNotAllowed(message: string): GatewayError {
  return new GatewayError('METHOD_NOT_ALLOWED', message, { data: { allow: MCP_METHODS } });
}

/** Headers that belong to a failure's HTTP status. */
export function errorHeaders(error: GatewayError): OutgoingHttpHeaders | undefined {
  switch (error.entry.http) {
    case 401:
      return { 'www-authenticate': 'Bearer' };
    case 405:
      return { allow: String(error.data['allow'] ?? MCP_METHODS) };
    case 429:
    case 503:
      return { 'retry-after': String(error.data['retryAfter'] ?? 5) };
    default:
      return undefined;
  }
}
