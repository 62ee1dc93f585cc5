import type { RateLimiterCompatibleAbstract } from 'rate-limiter-flexible';
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js';

/**
 * The counters of one limit, one for each key, in the contract of rate-limiter-flexible: `consume` resolves when the points
 * are taken and rejects with a `RateLimiterRes` when they are not there, in which case nothing is taken.
 */
export interface Limiter extends Pick<RateLimiterCompatibleAbstract, 'consume' | 'reward' | 'get' | 'block'> {
  /** What `take` says, at once: where counters are at hand, a request need not wait for a promise. */
  takeNow?(key: string): number;
}

/** A token bucket: `burst` requests at once, refilled at `limit` per `per`. */
export interface LimiterSpec {
  /** Names the counters; processes with the same configuration would share them by it. */
  readonly id: string;
  readonly limit: number;
  /** Milliseconds. */
  readonly per: number;
  readonly burst: number;
  /** Milliseconds a key has to be remembered at least, besides the time its bucket takes to fill. */
  readonly keep?: number;
}

/** Port: where limits count. In memory, or later in a store that several processes share. */
export abstract class LimitStore {
  /** New counters, all of them full. */
  abstract limiter(spec: LimiterSpec): Limiter;
}

/**
 * Takes one; 0 when there was one, else the milliseconds until there will be.
 * @throws whatever the store throws: a limit that cannot be checked lets nobody through
 */
export function take(limiter: Limiter, key: string): number | Promise<number> {
  return limiter.takeNow ? limiter.takeNow(key) : taken(limiter, key);
}

async function taken(limiter: Limiter, key: string): Promise<number> {
  try {
    await limiter.consume(key);
    return 0;
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return Math.max(1, refused.msBeforeNext);
    throw refused;
  }
}
