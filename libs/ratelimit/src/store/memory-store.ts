import { BucketLimiter } from './bucket-limiter.js';
import { type Limiter, type LimiterSpec, LimitStore } from './limit-store.js';

/** Callers, tools or addresses that one limit remembers: about 15 MB of a limit that strangers can fill. */
export const MAX_KEYS = 100_000;

/** Counts in this process alone; a restart begins anew. */
export class MemoryLimitStore extends LimitStore {
  constructor(
    private readonly now: () => number = () => performance.now(),
    private readonly maxKeys = MAX_KEYS,
  ) {
    super();
  }

  limiter(spec: LimiterSpec): Limiter {
    return new BucketLimiter(spec, this.maxKeys, this.now);
  }
}
