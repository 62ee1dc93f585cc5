import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { correlationId, type ErrorCode, GatewayError } from '#libs/kernel';
import { errorMessage, sendJson } from './answers.js';
import { correlationOf } from './correlation.js';

interface Flaw {
  readonly status: string;
  readonly code: ErrorCode;
  readonly text: string;
}

const BROKEN: Flaw = { status: '400 Bad Request', code: 'INVALID_REQUEST', text: 'This is not a valid HTTP request' };

/** By the code of Node's error. */
const FLAWS: Readonly<Record<string, Flaw>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    code: 'BODY_INCOMPLETE',
    text: 'The request did not arrive in time (server.limits.headers_timeout for its head, request_timeout for all of it)',
  },
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    code: 'HEADERS_TOO_MANY',
    text: 'The head of the request is too large (server.limits.header_size); send fewer or shorter headers',
  },
};

/**
 * Answers what the HTTP parser could not read, which no route gets to see, and gives the connection up: nobody can tell where
 * the next request would begin. Where an answer has begun already, nothing is said: it would become part of that answer.
 */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable && !hasBegun(socket)) socket.write(answer(FLAWS[error.code ?? ''] ?? BROKEN));
  socket.destroy(error);
}

function answer({ status, code, text }: Flaw): Buffer {
  const body = errorMessage(new GatewayError(code, text), null, correlationId(undefined, undefined), 'modern');
  const head = ['content-type: application/json', `content-length: ${body.length}`, 'cache-control: no-store'];
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${head.join('\r\n')}\r\nconnection: close\r\n\r\n`), body]);
}

/** Node keeps the answer a connection is busy with there, and looks at it for the same reason. */
function hasBegun(socket: Socket & { readonly _httpMessage?: ServerResponse | null }): boolean {
  return socket._httpMessage?.headersSent ?? false;
}

/**
 * Answers what the router could not read, before any guard has seen it: a path with escapes that are none, or with a name that
 * no endpoint can have. The path itself is not repeated.
 */
export function answerUnroutable(
  { code }: { readonly code: string },
  { raw: request }: { readonly raw: IncomingMessage },
  { raw: response }: { readonly raw: ServerResponse },
): void {
  const error =
    code === 'FST_ERR_MAX_PARAM_LENGTH'
      ? new GatewayError('URI_TOO_LONG', 'No endpoint has a name that long; MCP is at /mcp and /mcp/<server>')
      : new GatewayError('INVALID_REQUEST', 'The path of this request is no valid URL');
  const body = errorMessage(error, null, correlationOf(request));
  sendJson(response, error.entry.http, body, { connection: 'close' });
}
