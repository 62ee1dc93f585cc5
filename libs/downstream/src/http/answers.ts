import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { ERRORS, type Era, GatewayError } from '#libs/kernel';
import { type Bytes, encodeError, errorObject, lengthOf } from '#libs/mcp';
import { correlationOf } from './correlation.js';
import { depart, type Sender } from './departures.js';
import { markLastRequest, type Writer } from './last-request.js';

/**
 * The head of a stream that ends only when somebody ends it: its connection ends with it, so that a client that opens it
 * again, because this gateway stops, does so on a new one.
 */
export function openEndless(res: ServerResponse, writer?: Writer): void {
  res.shouldKeepAlive = false;
  openStream(res);
  // It may be long until there is something to say.
  res.flushHeaders();
  markLastRequest(res, writer);
}

/** The head of an event stream, which leaves with the first event: one write, and one reader woken, less. */
export function openStream(res: ServerResponse, headers?: OutgoingHttpHeaders): void {
  res.writeHead(200, {
    'x-request-id': correlationOf(res.req),
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    ...headers,
  });
}

/** What HTTP says of a message that is an answer by itself. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  /** Sent instead of the message. */
  readonly body?: Buffer;
}

/**
 * One JSON answer, head and body in one write, at the end of this turn (`depart`). The head is given to Node as a whole: one
 * header that was set before makes it merge all of them, which costs more than everything else about a head.
 */
export function sendJson(
  res: ServerResponse,
  status: number,
  body: Bytes,
  headers?: OutgoingHttpHeaders,
  sender?: Sender,
): void {
  const own = {
    'x-request-id': correlationOf(res.req),
    'content-type': 'application/json',
    'content-length': lengthOf(body),
    'cache-control': 'no-store',
  };
  res.writeHead(status, headers ? { ...own, ...headers } : own);
  depart(res, body, sender);
}

/** An answer without a body, at the end of this turn. */
export function sendEmpty(res: ServerResponse, status: number, headers?: OutgoingHttpHeaders, sender?: Sender): void {
  const id = correlationOf(res.req);
  const own: OutgoingHttpHeaders =
    status === 204
      ? { 'x-request-id': id, 'cache-control': 'no-store' }
      : { 'x-request-id': id, 'content-length': 0, 'cache-control': 'no-store' };
  res.writeHead(status, headers ? { ...own, ...headers } : own);
  depart(res, undefined, sender);
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

/** The methods of an MCP endpoint. */
export const MCP_METHODS = 'GET, POST, DELETE, OPTIONS';

export function methodNotAllowed(message: string): GatewayError {
  return new GatewayError('METHOD_NOT_ALLOWED', message, { data: { allow: MCP_METHODS } });
}
