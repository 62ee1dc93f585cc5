import { GatewayError } from '#libs/kernel';
import type { ExpiredLimit } from './running-call.js';
import type { SessionRequest } from './upstream-session.js';

/** Lines of a child's stderr that errors carry. */
const STDERR_LINES = 5;

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

/** It was not ready in time; `text` says for what. */
export function startedTooLate(server: string, text: string): GatewayError {
  const data = { server, limit: 'connection.start_timeout' };
  return new GatewayError('UPSTREAM_UNREACHABLE', text, { data, notExecuted: true });
}

/** Names the upstream, the object, the limit, where it is configured, and what to do. */
export function timedOut(server: string, request: SessionRequest, limit: ExpiredLimit): GatewayError {
  const key = `connection.${limit}`;
  const text =
    limit === 'timeout'
      ? `${server}: ${request.subject} gave no sign of life for ${formatMs(request.timeout)}`
      : `${server}: ${request.subject} took longer than ${formatMs(request.maxTotal)}`;
  return new GatewayError(
    'UPSTREAM_TIMEOUT',
    `${text} (${key} of this server) and was cancelled; it may have been executed. Raise ${key}${limit === 'timeout' ? ', or let it report progress' : ''}`,
    { data: { server, limit: key, milliseconds: limit === 'timeout' ? request.timeout : request.maxTotal } },
  );
}
