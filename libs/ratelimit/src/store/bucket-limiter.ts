import RateLimiterCompatibleAbstract from 'rate-limiter-flexible/lib/RateLimiterCompatibleAbstract.js';
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js';
import type { Limiter, LimiterSpec } from './limit-store.js';
import { RecentMap } from './recent-map.js';

interface Bucket {
  tokens: number;
  /** When `tokens` was right. */
  at: number;
  /** Nothing is given before this moment. */
  blockedUntil: number;
}

/**
 * Token buckets in memory, as a limiter of rate-limiter-flexible: the library's own memory limiter counts in fixed windows,
 * keeps a timer for each key and has no bound. A full bucket says nothing, so one that had the time to fill is forgotten;
 * beyond `maxKeys` the ones that were not asked for longest go first.
 */
export class BucketLimiter extends RateLimiterCompatibleAbstract implements Limiter {
  readonly #buckets: RecentMap<Bucket>;
  /** Tokens per millisecond. */
  readonly #rate: number;
  readonly #burst: number;

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(
    { limit, per, burst, keep = 0 }: Omit<LimiterSpec, 'id'>,
    maxKeys: number,
    private readonly now: () => number,
  ) {
    super();
    this.#rate = limit / per;
    this.#burst = burst;
    this.#buckets = new RecentMap(maxKeys, Math.max(burst / this.#rate, keep));
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  override consume(key: string, points = 1): Promise<RateLimiterRes> {
    const now = this.now();
    const bucket = this.#filled(key, now) ?? this.#add(key, now);
    const wait = this.#take(bucket, points, now);
    if (wait > 0) return Promise.reject(new RateLimiterRes(Math.floor(bucket.tokens), wait));
    return Promise.resolve(new RateLimiterRes(Math.floor(bucket.tokens), 0, points));
  }

  takeNow(key: string): number {
    const now = this.now();
    const wait = this.#take(this.#filled(key, now) ?? this.#add(key, now), 1, now);
    return wait > 0 ? Math.max(1, wait) : 0;
  }

  override reward(key: string, points = 1): Promise<RateLimiterRes> {
    const bucket = this.#filled(key, this.now());
    if (bucket) bucket.tokens = Math.min(this.#burst, bucket.tokens + points);
    return Promise.resolve(new RateLimiterRes(Math.floor(bucket?.tokens ?? this.#burst), 0));
  }

  /** What is left, and how long until there is one; null when the bucket is full as far as anybody remembers. */
  override get(key: string): Promise<RateLimiterRes | null> {
    const now = this.now();
    const bucket = this.#filled(key, now);
    if (!bucket) return Promise.resolve(null);
    const wait = this.#wait(bucket, 1, now);
    return Promise.resolve(new RateLimiterRes(wait > 0 ? 0 : Math.floor(bucket.tokens), wait));
  }

  override block(key: string, seconds: number): Promise<RateLimiterRes> {
    const now = this.now();
    const bucket = this.#filled(key, now) ?? this.#add(key, now);
    bucket.blockedUntil = now + seconds * 1000;
    return Promise.resolve(new RateLimiterRes(0, seconds * 1000));
  }

  /** 0 when they were taken, else the milliseconds until they will be there. */
  #take(bucket: Bucket, points: number, now: number): number {
    const wait = this.#wait(bucket, points, now);
    if (wait === 0) bucket.tokens -= points;
    return wait;
  }

  #filled(key: string, now: number): Bucket | undefined {
    const bucket = this.#buckets.get(key, now);
    if (!bucket) return undefined;
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.at) * this.#rate);
    bucket.at = now;
    return bucket;
  }

  #add(key: string, now: number): Bucket {
    const bucket = { tokens: this.#burst, at: now, blockedUntil: 0 };
    this.#buckets.set(key, bucket, now);
    return bucket;
  }

  /** Milliseconds until so many are there. */
  #wait(bucket: Bucket, points: number, now: number): number {
    const missing = points - bucket.tokens;
    return Math.max(missing > ROUNDING ? Math.ceil((missing - ROUNDING) / this.#rate) : 0, bucket.blockedUntil - now);
  }
}

/** Of a token: sums of many small refills come out a little short. */
const ROUNDING = 1e-6;
