import { GatewayError } from '#libs/kernel';
import { concernsHealth } from '../session/failures.js';
import type { Health } from '../supervisor/supervisor.js';

/** Whether the request may be sent once more: it provably did not run, or running it twice does no harm. */
export function mayReplay(error: GatewayError, repeatable: boolean): boolean {
  return concernsHealth(error) && (error.notExecuted || repeatable);
}

/** A failure as the caller is told: whether what was asked may have been executed is always said. */
export function toldOf(server: string, error: GatewayError): GatewayError {
  const mayHaveExecuted = !error.notExecuted;
  if (error.data['mayHaveExecuted'] === mayHaveExecuted) return error;
  const { cause, code, data, message, notExecuted } = error;
  return new GatewayError(code, message, {
    data: { server, ...data, mayHaveExecuted },
    cause: cause ?? error,
    notExecuted,
  });
}

/** The failure of a second attempt, of which it may be known that it did not run: that is not known of the first. */
export function afterFirst(error: GatewayError, first: GatewayError | undefined): GatewayError {
  if (!first || first.notExecuted || !error.notExecuted) return error;
  return new GatewayError(error.code, `${error.message}; it had been sent before, and may have been executed then`, {
    data: { ...error.data, mayHaveExecuted: true },
    cause: error,
  });
}

/** What a caller is told when a request broke off: whether it may have been executed. */
export function brokenOff(
  server: string,
  subject: string,
  error: GatewayError,
  first: GatewayError | undefined,
): GatewayError {
  if (error.code !== 'UPSTREAM_DISCONNECTED' && error.code !== 'UPSTREAM_SESSION_LOST') return error;
  const what = error.notExecuted
    ? 'it was not executed; try again'
    : `it may have been executed and ${first ? 'was sent twice' : 'was not sent again'}; check before you repeat it`;
  return new GatewayError(
    'UPSTREAM_DISCONNECTED',
    `${server}: the connection was lost while ${subject} was running (${error.message}); ${what}`,
    {
      data: { server, ...error.data, mayHaveExecuted: !error.notExecuted },
      cause: error,
      notExecuted: error.notExecuted,
    },
  );
}

/** What callers are told while an upstream is down. */
export function unavailable(server: string, health: Health): GatewayError {
  const { cause, nextRetry, reason, state } = health;
  if (state === 'disabled') {
    return new GatewayError('UPSTREAM_UNREACHABLE', `${server} is disabled in the gateway's configuration`, {
      data: { server },
      notExecuted: true,
    });
  }
  if (state === 'connecting') {
    const text = `${server} is temporarily unavailable: the gateway is still connecting to it; try again in a moment`;
    return new GatewayError('UPSTREAM_UNREACHABLE', text, { data: { server }, notExecuted: true });
  }
  const wait = nextRetry === undefined ? undefined : Math.max(0, nextRetry - Date.now());
  const again =
    wait === undefined
      ? 'The gateway keeps trying'
      : `The gateway tries again in ${Math.max(1, Math.ceil(wait / 1000))} s`;
  return new GatewayError(
    'UPSTREAM_UNREACHABLE',
    `${server} is temporarily unavailable: ${reason ?? 'down'}. ${again}`,
    {
      data: {
        server,
        ...cause?.data,
        ...(nextRetry === undefined ? {} : { retryAt: new Date(nextRetry).toISOString() }),
      },
      cause,
      notExecuted: true,
    },
  );
}

/** For calls beyond what may be under way at a time. */
export function full(server: string, concurrency: number): GatewayError {
  const text =
    `${server} is busy: ${concurrency} requests to it are under way or waiting (connection.concurrency); ` +
    'it was not executed, try again when some have finished';
  return new GatewayError('UPSTREAM_BUSY', text, {
    data: { server, key: 'proxy.servers[].connection.concurrency' },
    notExecuted: true,
  });
}

export function removed(server: string): GatewayError {
  const text = `${server} was removed from the gateway's configuration or changed; list again and retry`;
  return new GatewayError('UPSTREAM_REMOVED', text, { data: { server }, notExecuted: true });
}

/** For calls that still run when their upstream is closed. */
export function cutOff(reason: GatewayError): GatewayError {
  return new GatewayError(reason.code, `${reason.message}; this call was running and may have been executed`, {
    data: { ...reason.data, mayHaveExecuted: true },
    cause: reason,
  });
}

/** Another gateway process holds the upstream session of this client; a second one would know nothing of its state. */
export function heldElsewhere(server: string): GatewayError {
  const text =
    `${server} keeps state per client session, and that lives in the gateway process this session was made at; ` +
    `route a session's requests to one process, or set state: none or user for ${server}`;
  return new GatewayError('REPLICA_STATE', text, { data: { server }, notExecuted: true });
}
