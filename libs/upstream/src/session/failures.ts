import { GatewayError } from '#libs/kernel';
import { JsonView } from '#libs/mcp';
import type { ExpiredLimit } from './deadline.js';
import type { SessionRequest } from './upstream-session.js';

/** Lines of a child's stderr that errors carry. */
const STDERR_LINES = 5;

/** Failures of the way to an upstream; everything else is an answer or the gateway's own doing. */
const BROKEN: ReadonlySet<string> = new Set(['UPSTREAM_UNREACHABLE', 'UPSTREAM_DISCONNECTED', 'UPSTREAM_SESSION_LOST']);
const REFUSED: ReadonlySet<string> = new Set(['UPSTREAM_UNAUTHORIZED', 'EGRESS_DENIED']);

/** Whether the failure says something about the way to the upstream, so that its health should be looked at. */
export function concernsHealth({ code }: GatewayError): boolean {
  return BROKEN.has(code);
}

/** Whether nothing else will do better on this session: its way broke, or leads nowhere. */
export function endsSession({ code }: GatewayError): boolean {
  return BROKEN.has(code) || REFUSED.has(code);
}

/** A duration as people write it in the configuration. */
export function formatMs(ms: number): string {
  if (ms < 1000 || ms % 100 !== 0) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  return seconds >= 60 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

export function lastLines(stderr: readonly string[] | undefined): readonly string[] | undefined {
  if (!stderr || stderr.length === 0) return undefined;
  return stderr.slice(-STDERR_LINES).map((line) => line.slice(0, 500));
}

/** What an upstream says in its JSON-RPC error, as far as texts repeat it. */
export function saidIn(error: Buffer): string {
  return JsonView.of(error).get('message')?.string()?.slice(0, 200) ?? '';
}

/** A transport's error with the upstream's name and its child's last words in `data`. */
export function connectionEnded(
  error: GatewayError,
  server: string,
  stderr: readonly string[] | undefined,
): GatewayError {
  const lines = lastLines(stderr);
  if (error.data['server'] !== undefined && (!lines || error.data['stderr'] !== undefined)) return error;
  return new GatewayError(error.code, error.message, {
    data: { server, ...(lines ? { stderr: lines } : {}), ...error.data },
    cause: error.cause ?? error,
    notExecuted: error.notExecuted,
  });
}

/** The error of a session that could not be opened: no caller's request was sent, and a connection that broke is no connection. */
export function notOpened(error: GatewayError): GatewayError {
  const broke = error.code === 'UPSTREAM_DISCONNECTED' || error.code === 'UPSTREAM_SESSION_LOST';
  const { cause, data, message } = error;
  return new GatewayError(broke ? 'UPSTREAM_UNREACHABLE' : error.code, message, { data, cause, notExecuted: true });
}

/** Connecting and the handshake took longer than both may. */
export function startedTooLate(
  server: string,
  handshake: 'initialize' | 'server/discover',
  startTimeout: number,
): GatewayError {
  const text = `${server} did not finish connecting and ${handshake} within ${formatMs(startTimeout)} (connection.start_timeout)`;
  const data = { server, limit: 'connection.start_timeout' };
  return new GatewayError('UPSTREAM_UNREACHABLE', text, { data, notExecuted: true });
}

/** What it answered breaks the rules. */
export function brokenAnswer(server: string, { subject }: Named, text: string): GatewayError {
  return new GatewayError('UPSTREAM_PROTOCOL', text, { data: { server, subject } });
}

/** What it answered is neither a result nor an error as the protocol has them. */
export function noAnswer(server: string, request: Named): GatewayError {
  const text = `${server} answered ${request.subject} with neither a result nor a proper error`;
  return brokenAnswer(server, request, text);
}

/** A request came when its session, or connection, had ended; `over` says which. */
export function tooLate(
  server: string,
  over: 'connection' | 'session',
  { subject }: Named,
  cause: GatewayError | undefined,
): GatewayError {
  const text = `${server}: the ${over} had ended before ${subject} was sent${cause ? `: ${cause.message}` : ''}`;
  return new GatewayError('UPSTREAM_DISCONNECTED', text, { data: { server }, cause, notExecuted: true });
}

/** The upstream had to wait for a client that does not read, and not for ever. */
export function unread(server: string, request: SessionRequest): GatewayError {
  const text = `The client did not read what ${server} says about ${request.subject} for ${formatMs(request.timeout)} (connection.timeout of this server)`;
  return new GatewayError(
    'CLIENT_TOO_SLOW',
    `${text}, so the call was cancelled; it may have been executed. Read the stream of a call while it runs`,
    { data: { server, key: 'proxy.servers[].connection.timeout', milliseconds: request.timeout } },
  );
}

/**
 * The same failure as one call has to be told of it. Errors are shared: that a connection could not be renewed, say, proves
 * nothing about a request that was sent on it before.
 */
export function toldTo(error: GatewayError, sent: boolean): GatewayError {
  if (error.notExecuted === !sent) return error;
  const { cause, code, data, message } = error;
  return new GatewayError(code, message, { data, cause: cause ?? error, notExecuted: !sent });
}

/** What a call is about, as far as errors name it. */
export type Named = Pick<SessionRequest, 'subject'> & Partial<Pick<SessionRequest, 'method' | 'params'>>;

/** Which limit a call ran into, as configured, and whether the upstream may have got the request. */
export interface Expiry {
  readonly limit: ExpiredLimit;
  readonly milliseconds: number;
  readonly sent: boolean;
}

/** Names the upstream, the object, the limit, where it is configured, and what to do. */
export function timedOut(server: string, call: Named, { limit, milliseconds, sent }: Expiry): GatewayError {
  const key = `connection.${limit}`;
  const silent = sent ? 'gave no sign of life for' : 'got no free socket or credential within';
  const happened = limit === 'timeout' ? silent : 'took longer than';
  const became = sent ? 'and was cancelled; it may have been executed' : 'and was given up; it was not executed';
  const hint = !sent ? ' or connection.pool' : limit === 'timeout' ? ', or let it report progress' : '';
  return expired(
    server,
    call,
    { limit, milliseconds, sent },
    `${server}: ${call.subject} ${happened} ${formatMs(milliseconds)} (${key} of this server) ${became}. Raise ${key}${hint}`,
  );
}

/** The error of any wait of a call that took too long. */
export function expired(
  server: string,
  call: Named,
  { limit, milliseconds, sent }: Expiry,
  text: string,
): GatewayError {
  const key = `proxy.servers[].connection.${limit}`;
  const data = { server, ...toolOf(call), limit: `connection.${limit}`, key, milliseconds, mayHaveExecuted: sent };
  return new GatewayError('UPSTREAM_TIMEOUT', text, { data, notExecuted: !sent });
}

function toolOf({ method, params }: Named): { readonly tool?: string } {
  const tool = method === 'tools/call' && params ? params.string('name') : undefined;
  return tool === undefined ? {} : { tool };
}
