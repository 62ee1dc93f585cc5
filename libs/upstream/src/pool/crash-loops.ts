import { Backoff, type BackoffSettings, GatewayError, Lru } from '#libs/kernel';
import type { ExitStatus } from '#libs/plugin';
import { concernsHealth } from '../session/failures.js';
import { diedEarly, TOLERATED } from './early-death.js';
import { isService, type SessionSpec } from './session-spec.js';

/** Most keys that are remembered. */
const MAX_KEYS = 1_000;

interface Life {
  /** Children started in place of one that had ended by itself. */
  restarts: number;
  /** The last one ended by itself, and nobody took its place yet. */
  vacant: boolean;
  /** Early deaths in a row. */
  deaths: number;
  /** No child before this (milliseconds, of `now`). */
  earliest: number;
  cause: GatewayError | undefined;
  readonly backoff: Backoff;
}

export interface CrashLoopOptions {
  readonly server: string;
  retry(): BackoffSettings;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
  readonly random?: () => number;
}

/**
 * What became of the child processes of one upstream. A program that dies as soon as it is up is not started for every call
 * that asks for it: after a few deaths in a row there is a growing wait, in which calls fail at once and say why. The service
 * session is paced by the supervisor instead.
 */
export class CrashLoops {
  /** Of all keys. */
  restarts = 0;
  lastExit: ExitStatus | undefined;
  readonly #lives = new Lru<string, Life>(MAX_KEYS);
  readonly #options: CrashLoopOptions;
  readonly #now: () => number;

  constructor(options: CrashLoopOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  restartsOf(spec: SessionSpec): number {
    return this.#lives.get(keyOf(spec))?.restarts ?? 0;
  }

  /** Why no child may be started for these callers now. */
  refusal(spec: SessionSpec): GatewayError | undefined {
    if (isService(spec)) return undefined;
    const life = this.#lives.get(keyOf(spec));
    const wait = life ? life.earliest - this.#now() : 0;
    return life?.cause && wait > 0 ? this.#waiting(life.cause, life.deaths, wait) : undefined;
  }

  opened(spec: SessionSpec): void {
    const life = this.#lives.get(keyOf(spec));
    if (!life?.vacant) return;
    life.vacant = false;
    life.restarts++;
    this.restarts++;
  }

  /** No child could be brought up. */
  failed(spec: SessionSpec, error: GatewayError): void {
    // Others (no room, no credential, a caller who left) say nothing of the program.
    if (concernsHealth(error) || error.code === 'UPSTREAM_TIMEOUT') this.#died(spec, error, true);
  }

  /** A child ended by itself, or had to be given up, after so many milliseconds. */
  lost(spec: SessionSpec, error: GatewayError, lived: number): void {
    // What ends with its call can say nothing of whether it would have lived.
    this.#died(spec, error, !spec.ephemeral && diedEarly(lived, this.#options.retry()));
  }

  /** A child did its work and was not needed any more. */
  served(spec: SessionSpec): void {
    const life = this.#lives.get(keyOf(spec));
    if (!life) return;
    life.deaths = 0;
    life.cause = undefined;
    life.backoff.reset();
  }

  #born(): Life {
    const { random, retry } = this.#options;
    const backoff = new Backoff(retry, random);
    return { restarts: 0, vacant: false, deaths: 0, earliest: 0, cause: undefined, backoff };
  }

  #died(spec: SessionSpec, error: GatewayError, early: boolean): void {
    this.lastExit = exitOf(error);
    const key = keyOf(spec);
    const life = this.#lives.get(key) ?? this.#born();
    life.vacant = true;
    life.deaths = early ? life.deaths + 1 : 0;
    life.cause = error;
    if (life.deaths === 0) life.backoff.reset();
    life.earliest = life.deaths < TOLERATED ? 0 : this.#now() + life.backoff.next();
    this.#lives.set(key, life);
  }

  #waiting(cause: GatewayError, deaths: number, wait: number): GatewayError {
    const { server } = this.#options;
    const text =
      `${server} is temporarily unavailable to you: its process ended ${deaths} times in a row right after it was started ` +
      `(${cause.message}). The gateway starts it again at the first call in ${Math.max(1, Math.ceil(wait / 1000))} s or later`;
    const retryAt = new Date(Date.now() + wait).toISOString();
    return new GatewayError('UPSTREAM_UNREACHABLE', text, {
      data: { ...cause.data, server, retryAt },
      cause,
      notExecuted: true,
    });
  }
}

/** What lives for one call only has no past of its own: strangers share one. */
function keyOf({ ephemeral, key }: SessionSpec): string {
  return ephemeral ? 'ephemeral' : key;
}

function exitOf({ data, message }: GatewayError): ExitStatus {
  const { exitCode, signal, stderr } = data;
  const last = Array.isArray(stderr) ? stderr.at(-1) : undefined;
  return {
    at: Date.now(),
    ...(typeof exitCode === 'number' ? { code: exitCode } : {}),
    ...(typeof signal === 'string' ? { signal } : {}),
    reason: message.slice(0, 500),
    ...(typeof last === 'string' ? { stderr: last } : {}),
  };
}
