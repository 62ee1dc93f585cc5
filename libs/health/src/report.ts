import { maskSecrets } from '#libs/kernel';
import type { ChildStatus, ExitStatus, UpstreamStatus } from '#libs/plugin';

/** Longest text of a stranger in a report. */
const MAX_TEXT = 2_000;

export interface Check {
  readonly status: 'up' | 'down';
  readonly message?: string;
}

/** Whether the gateway is ready, and everything that speaks for or against it. */
export interface Verdict {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, Check>>;
}

/** The answer to `/ready?verbose`. Times are ISO 8601, names are spelled as in the configuration. */
export function reportOf({ ready, checks }: Verdict, upstreams: readonly UpstreamStatus[], now = Date.now()): object {
  const reason = reasonOf(checks);
  return {
    status: ready ? 'ok' : 'error',
    ...(reason === '' ? {} : { reason: text(reason) }),
    time: iso(now),
    checks: Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, describeCheck(check)])),
    upstreams: upstreams.map((upstream) => describe(upstream, now)),
  };
}

/** What the checks that are down say. */
export function reasonOf(checks: Verdict['checks']): string {
  return Object.values(checks)
    .flatMap(({ message, status }) => (status === 'down' ? (message ?? []) : []))
    .join('; ');
}

function describe(upstream: UpstreamStatus, now: number): object {
  const { breaker, cause, counts, dual, era, name, nextRetry, processes, reason, since, state, version } = upstream;
  return {
    name,
    type: upstream.type,
    state,
    required: upstream.required,
    ...(reason === undefined ? {} : { reason: text(reason) }),
    ...(cause === undefined ? {} : { cause }),
    since: iso(since),
    ...(nextRetry === undefined ? {} : { next_retry: iso(nextRetry) }),
    ...(era === undefined ? {} : { era: dual ? 'both' : era, version }),
    ...counts,
    sessions: upstream.sessions,
    in_flight: upstream.inFlight,
    breaker,
    ...(processes && {
      children: processes.children.map((child) => describeChild(child, now)),
      restarts: processes.restarts,
      ...(processes.lastExit && { last_exit: describeExit(processes.lastExit) }),
    }),
  };
}

function describeCheck({ message, status }: Check): Check {
  return { status, ...(message === undefined ? {} : { message: text(message) }) };
}

function describeChild({ pid, restarts, rss, running, service, since }: ChildStatus, now: number): object {
  return {
    pid,
    ...(rss === undefined ? {} : { rss }),
    age_seconds: Math.max(0, Math.round((now - since) / 1000)),
    restarts,
    in_flight: running,
    service,
  };
}

function describeExit({ at, code, reason, signal, stderr }: ExitStatus): object {
  return {
    at: iso(at),
    ...(code === undefined ? {} : { code }),
    ...(signal === undefined ? {} : { signal }),
    reason: text(reason),
    ...(stderr === undefined ? {} : { stderr: text(stderr) }),
  };
}

/** Upstreams give back what they were given, and write what they like. */
function text(said: string): string {
  return maskSecrets(said).slice(0, MAX_TEXT);
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
