import type { KeyObject } from 'node:crypto';
import { Backoff, Emitter, type Log, messageOf } from '#libs/kernel';
import { KeySet } from './key-set.js';

/** What becomes of the search for a token's key. */
export type KeyFound =
  | { readonly kind: 'key'; readonly key: KeyObject }
  /** The issuer has no such key. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** The issuer's keys cannot be had at the moment. */
  | { readonly kind: 'unavailable'; readonly retryAfterSeconds: number };

/** Seams for tests. */
export interface Clock {
  /** Milliseconds since the epoch, for what has a date. It may jump. */
  now(): number;
  /** Milliseconds of a clock that only goes on, for all that lasts. */
  elapsed(): number;
  random(): number;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  random: () => Math.random(),
};

const FRESH = 600_000;
const REFRESH_AFTER = FRESH * 0.8;
const USABLE = 24 * 3_600_000;
/** Between two fetches for the sake of ids nobody knows. */
const COOL_DOWN = 30_000;
/** The same while the last good fetch is longer ago than keys stay fresh. */
const SHORT_COOL_DOWN = 10_000;
const REMEMBER_UNKNOWN = 60_000;
const MAX_UNKNOWN = 1_000;
const FAILURES = { initial: 5_000, max: 60_000, multiplier: 2 } as const;

/**
 * The keys of one issuer. Fetched when first needed, refreshed before they are stale, and used for up to a day while the
 * issuer cannot be reached. However many tokens name keys nobody knows, one fetch per cool-down is all they cause; however
 * long the issuer is away, it is asked once per back-off (RS-31 to RS-34).
 */
export class KeyCache {
  readonly events = new Emitter<{ removed: undefined }>();
  #keys: KeySet | undefined;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  readonly #backoff: Backoff;
  /** No attempt before this time. */
  #nextTry = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;
  /** Ids that a fetch did not find, and until when that is remembered. */
  readonly #unknown = new Map<string, number>();

  constructor(
    private readonly issuer: string,
    private readonly load: () => Promise<KeySet>,
    private readonly log: Log,
    private readonly clock: Clock = SYSTEM_CLOCK,
  ) {
    this.#backoff = new Backoff(FAILURES, () => 0.5 + clock.random() / 2);
  }

  /** Answers at once from keys at hand. */
  find(kid: string | undefined, alg: string): KeyFound | Promise<KeyFound> {
    const age = this.clock.elapsed() - this.#loadedAt;
    if (!this.#keys || age > USABLE) return this.#afterLoad(() => this.#judge(kid, alg));
    // Right after a failure old keys are better than waiting for the next one.
    if (age > FRESH && this.#failures === 0) return this.#afterLoad(() => this.#lookUp(kid, alg));
    if (age > REFRESH_AFTER) this.#loadInBackground();
    return this.#lookUp(kid, alg);
  }

  /** Fetches the keys unless they are there. Never rejects. */
  async warmUp(): Promise<void> {
    if (!this.#keys && this.#mayTry()) await this.#loadOnce();
  }

  /** Among keys at hand; asks the issuer again for an id that nobody knows yet. */
  #lookUp(kid: string | undefined, alg: string): KeyFound | Promise<KeyFound> {
    const match = this.#keys?.find(kid, alg);
    if (match?.kind !== 'absent' || kid === undefined) return this.#judge(kid, alg);
    if (this.#isKnownUnknown(kid)) return unknownKey();
    if (this.#loading) return this.#afterLoad(() => this.#judge(kid, alg));
    if (this.#failures > 0) return this.#mayTry() ? this.#afterLoad(() => this.#judge(kid, alg)) : this.#unavailable();
    if (this.clock.elapsed() < this.#triedAt + this.#coolDown()) return unknownKey();
    return this.#afterLoad(() => this.#judge(kid, alg));
  }

  /** The last word: what is not among the keys now is unknown, or cannot be known. */
  #judge(kid: string | undefined, alg: string): KeyFound {
    if (!this.#keys || this.clock.elapsed() - this.#loadedAt > USABLE) return this.#unavailable();
    const match = this.#keys.find(kid, alg);
    if (match.kind === 'key') return match;
    if (match.kind === 'unfit') {
      return { kind: 'unknown', reason: `no single key of ${this.issuer} fits the token's kid and alg` };
    }
    if (this.#failures > 0) return this.#unavailable();
    if (kid !== undefined) this.#remember(kid);
    return unknownKey();
  }

  #afterLoad(then: () => KeyFound | Promise<KeyFound>): KeyFound | Promise<KeyFound> {
    if (!this.#loading && !this.#mayTry()) return then();
    return this.#loadOnce().then(then);
  }

  #loadInBackground(): void {
    if (this.#mayTry()) void this.#loadOnce();
  }

  /** One fetch at a time, shared by all who wait. Never rejects. */
  #loadOnce(): Promise<void> {
    this.#loading ??= this.#loadNow().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #loadNow(): Promise<void> {
    this.#triedAt = this.clock.elapsed();
    try {
      this.#replace(await this.load());
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #replace(next: KeySet): void {
    const previous = this.#keys;
    if (this.#failures > 0) this.log.info({ issuer: this.issuer }, 'the keys of an issuer can be fetched again');
    this.#keys = next;
    this.#loadedAt = this.clock.elapsed();
    this.#failures = 0;
    this.#backoff.reset();
    this.#nextTry = Number.NEGATIVE_INFINITY;
    if (next.size === 0) this.log.error({ issuer: this.issuer }, 'an issuer publishes no key to check signatures with');
    if (previous?.lostIn(next)) {
      this.log.info(
        { issuer: this.issuer },
        'an issuer took back a key; tokens signed with it are refused from now on',
      );
      this.events.emit('removed', undefined);
    }
  }

  #fail(thrown: unknown): void {
    const wait = this.#backoff.next();
    this.#failures += 1;
    this.#nextTry = this.clock.elapsed() + wait;
    const usable = this.#keys && this.clock.elapsed() - this.#loadedAt <= USABLE;
    this.log[usable ? 'warn' : 'error'](
      { issuer: this.issuer, reason: messageOf(thrown), retryInMs: wait },
      usable
        ? 'the keys of an issuer cannot be refreshed; those at hand stay good for a day'
        : 'the keys of an issuer cannot be fetched; its tokens are answered with 503 meanwhile',
    );
  }

  #mayTry(): boolean {
    return this.clock.elapsed() >= this.#nextTry;
  }

  #coolDown(): number {
    return this.clock.elapsed() - this.#loadedAt > FRESH ? SHORT_COOL_DOWN : COOL_DOWN;
  }

  #unavailable(): KeyFound {
    const wait = Math.max(1, Math.ceil((this.#nextTry - this.clock.elapsed()) / 1_000));
    return { kind: 'unavailable', retryAfterSeconds: Number.isFinite(wait) ? wait : 1 };
  }

  #isKnownUnknown(kid: string): boolean {
    const until = this.#unknown.get(kid);
    if (until === undefined) return false;
    if (until > this.clock.elapsed()) return true;
    this.#unknown.delete(kid);
    return false;
  }

  #remember(kid: string): void {
    this.#unknown.delete(kid);
    this.#unknown.set(kid, this.clock.elapsed() + REMEMBER_UNKNOWN);
    if (this.#unknown.size <= MAX_UNKNOWN) return;
    for (const oldest of this.#unknown.keys()) {
      this.#unknown.delete(oldest);
      break;
    }
  }
}

function unknownKey(): KeyFound {
  return { kind: 'unknown', reason: 'the issuer has no key with the id the token names' };
}
