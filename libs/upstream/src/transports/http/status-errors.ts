import { type ErrorCode, GatewayError } from '#libs/kernel';
import { encodeError } from '#libs/mcp';
import type { UpstreamTarget } from '#libs/plugin';
import { printable, redacted, size, subject } from '../shared/text.js';
import { headerOf, mediaType, type ResponseHeaders } from './http-request.js';
import { addressOf } from './network-errors.js';
import type { StreamLimit } from './stream-allowance.js';

/** Enough of an error page to explain it. */
export const ERROR_BODY = 64 * 1024;

/** What a status was the answer to. */
export interface Asked {
  readonly method: 'POST' | 'GET';
  /** Id of the JSON-RPC request, if it was one. */
  readonly id?: number;
  /** Whether a session id was sent. */
  readonly inSession: boolean;
  readonly bytes: number;
}

interface RpcError {
  readonly id: unknown;
  readonly code: number;
  readonly message: string;
  readonly error: object;
}

/**
 * What an answer other than 2xx means: a JSON-RPC error response to this very request (`deliver`), or a failure that
 * names cause and next step.
 */
export function statusOutcome(
  target: UpstreamTarget,
  asked: Asked,
  status: number,
  headers: ResponseHeaders,
  body: Buffer,
): { readonly deliver: Buffer } | GatewayError {
  const rpc = rpcError(body);
  if (status === 401 || status === 403) return statusError(target, asked, status, headers, body, rpc);
  if (asked.inSession && sessionIsGone(status, rpc, asked.id, headers, body)) {
    return new GatewayError(
      'UPSTREAM_SESSION_LOST',
      `${subject(target)} no longer knows the session (HTTP ${status})`,
      {
        data: { status },
        notExecuted: true,
      },
    );
  }
  if (rpc && asked.id !== undefined) {
    if (rpc.id === asked.id) return { deliver: body };
    // These speak of the request's envelope: some servers find fault before they have read its id.
    const aboutEnvelope = rpc.code <= -32020 && rpc.code >= -32099;
    if (aboutEnvelope && rpc.id == null) return { deliver: encodeError(asked.id, JSON.stringify(rpc.error)) };
  }
  return statusError(target, asked, status, headers, body, rpc);
}

/** 404 means it by the specification (`L:http`); several servers say it with 400 and words instead. */
function sessionIsGone(
  status: number,
  rpc: RpcError | undefined,
  id: number | undefined,
  headers: ResponseHeaders,
  body: Buffer,
): boolean {
  if (status === 404) return !(rpc?.code === -32601 && rpc.id === id);
  if (status !== 400) return false;
  if (rpc) return [-32000, -32001, -32600].includes(rpc.code) && /session|not initiali[sz]ed/i.test(rpc.message);
  return mediaType(headers) === 'text/plain' && /session/i.test(body.toString('latin1', 0, 200));
}

function rpcError(body: Buffer): RpcError | undefined {
  try {
    const { id, error } = JSON.parse(body.toString('utf8')) as { id?: unknown; error?: Record<string, unknown> };
    if (typeof error?.['code'] !== 'number') return undefined;
    return { id, code: error['code'], message: String(error['message'] ?? ''), error };
  } catch {
    return undefined;
  }
}

function statusError(
  target: UpstreamTarget,
  asked: Asked,
  status: number,
  headers: ResponseHeaders,
  body: Buffer,
  rpc: RpcError | undefined,
): GatewayError {
  const [code, text, notExecuted] = meaning(status, headers, asked);
  const readable = mediaType(headers).startsWith('text/plain') ? body.toString('utf8', 0, 4_096) : '';
  overheard(target, `answered HTTP ${status}`, rpc?.message || readable);
  const message = `${subject(target)} (${addressOf(target)}) answered HTTP ${status}: ${text}`;
  return new GatewayError(code, message, { data: { status }, notExecuted });
}

/**
 * Notes what an upstream said besides the protocol, at debug level. Error texts do not repeat it: they reach clients, and
 * strangers put tokens, addresses and stack traces into theirs (T132).
 */
export function overheard(target: UpstreamTarget, what: string, text: string | Buffer): void {
  const said = redacted(typeof text === 'string' ? text : text.toString('utf8', 0, 4_096));
  if (said !== '') target.log.debug({ upstream: target.name, said }, `${subject(target)} ${what}: ${said}`);
}

function meaning(status: number, headers: ResponseHeaders, asked: Asked): [ErrorCode, string, boolean] {
  switch (status) {
    case 401:
      return [
        'UPSTREAM_UNAUTHORIZED',
        "authentication failed, it does not accept the credential; check the upstream's auth",
        true,
      ];
    case 403:
      return [
        'UPSTREAM_FORBIDDEN',
        'the credential is not allowed to do this; check its rights and scopes there',
        false,
      ];
    case 404:
      return ['UPSTREAM_HTTP', 'there is no MCP endpoint at this path; check the path of connection.url', true];
    case 405:
      return ['UPSTREAM_HTTP', `it takes no ${asked.method} here; is it an older server that needs type: sse?`, true];
    case 406:
    case 415:
      return ['UPSTREAM_HTTP', 'it does not take MCP over streamable HTTP; check connection.url and type', true];
    case 413:
      return ['UPSTREAM_HTTP', `the request of ${size(asked.bytes)} is too large for it; raise its body limit`, true];
    case 421:
      return [
        'UPSTREAM_HTTP',
        'it does not serve the host name of connection.url; use the name it knows, or allow this one there',
        true,
      ];
    case 429:
      return ['UPSTREAM_BUSY', `it limits the rate of requests${retryAfter(headers)}`, true];
    case 502:
    case 503:
    case 504:
      return [
        'UPSTREAM_HTTP',
        `the server, or a proxy before it, is not available${retryAfter(headers)}; see its log`,
        false,
      ];
  }
  if (status >= 300 && status < 400) {
    return [
      'UPSTREAM_HTTP',
      `it redirects to ${destination(headers)}, which is not followed; put the final address into connection.url`,
      true,
    ];
  }
  if (status >= 500) return ['UPSTREAM_HTTP', 'the server failed; see its log', false];
  return ['UPSTREAM_HTTP', 'it refused the request; check connection.url and type', false];
}

function retryAfter(headers: ResponseHeaders): string {
  const value = headerOf(headers, 'retry-after');
  return value && /^[\w ,:-]{1,40}$/.test(value) ? ` (Retry-After: ${value})` : '';
}

/** The address of a redirect without what may be secret in it. */
function destination(headers: ResponseHeaders): string {
  const location = headerOf(headers, 'location') ?? '';
  if (!URL.canParse(location))
    return location.startsWith('/') ? printable(location.split(/[?#]/, 1)[0] ?? '', 200) : 'somewhere else';
  const { origin, pathname } = new URL(location);
  return printable(`${origin}${pathname}`, 200);
}

/** An answer that cannot be read although its status is fine; undefined when it can. */
export function encodingProblem(target: UpstreamTarget, headers: ResponseHeaders): GatewayError | undefined {
  const encoding = headerOf(headers, 'content-encoding')?.trim().toLowerCase();
  if (!encoding || encoding === 'identity') return undefined;
  return protocolError(
    target,
    `compressed its answer (${printable(encoding, 40)}) although it was asked not to; switch compression off for this path`,
  );
}

export function contentTypeProblem(target: UpstreamTarget, status: number, headers: ResponseHeaders): GatewayError {
  const type = mediaType(headers);
  if (status === 202 || status === 204) {
    return protocolError(target, `took the request (HTTP ${status}) but will not answer it; a request needs an answer`);
  }
  if (!type) return protocolError(target, 'answered without a Content-Type; JSON or an event stream was expected');
  const page = type === 'text/html' ? 'a web page, ' : '';
  return protocolError(
    target,
    `answered with ${page}${printable(type, 60)}; JSON or an event stream was expected, check connection.url`,
  );
}

export function protocolError(target: UpstreamTarget, text: string): GatewayError {
  return new GatewayError('UPSTREAM_PROTOCOL', `${subject(target)} (${addressOf(target)}) ${text}`);
}

export function tooLarge(target: UpstreamTarget, limit: number, key: 'response' | 'event'): GatewayError {
  return new GatewayError(
    'UPSTREAM_TOO_LARGE',
    `${subject(target)} sent more than ${size(limit)} in one message; raise connection.limits.${key} if that is wanted`,
    { data: { key: `proxy.servers[].connection.limits.${key}` } },
  );
}

/** A stream brought more, or went on for longer, than one stream may. */
export function streamOver(target: UpstreamTarget, key: StreamLimit): GatewayError {
  const { stream, streamLifetime } = target.limits;
  const what =
    key === 'stream'
      ? `sent more than ${size(stream)} on one event stream`
      : `kept one event stream open for longer than ${streamLifetime / 1000} s`;
  return new GatewayError(
    'UPSTREAM_TOO_LARGE',
    `${subject(target)} ${what}; what it was doing may have been executed; raise connection.limits.${key} if that is wanted`,
    { data: { key: `proxy.servers[].connection.limits.${key}`, limit: `connection.limits.${key}` } },
  );
}
