import { Backoff, type BackoffSettings, Lru } from '#libs/kernel';

/** Milliseconds before its end that a token is no longer used, at least; or this part of its life, whichever is longer. */
const MARGIN = 30_000;
const MARGIN_PART = 0.1;
/** Up to this part of the margin is added at random, so that many gateways do not ask at the same time. */
const JITTER = 0.2;
/** Past this part of its life a token is renewed in the background. */
const RENEWAL = 0.8;
/** Life of a token whose server does not say. */
const DEFAULT_LIFE = 300_000;
/** A token that was got because another one was refused, and is refused itself within this time, will not get better. */
const HOPELESS = 30_000;
/** Milliseconds nobody is asked again after a refusal that only another configuration can mend. */
const REJECTED = 300_000;
const FAILURES: BackoffSettings = { initial: 1_000, max: 30_000, multiplier: 2 };

/** A token as an authorization server issued it. */
export interface Grant {
  readonly token: string;
  /** Milliseconds. */
  readonly life: number | undefined;
  /** Milliseconds since the epoch it must not be used after whatever its life is. */
  readonly until?: number | undefined;
}

/** Why a server gave no token, as far as it decides about asking again. */
export type FailureKind =
  /** The gateway itself is not known there: nobody's request will do better until the configuration changes. */
  | 'rejected'
  /** This request will not do better for a while; others may. */
  | 'refused'
  /** The server could not be asked, or failed. */
  | 'unavailable';

export class TokenError extends Error {
  override readonly name = 'TokenError';

  constructor(
    readonly kind: FailureKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Whom to ask, and for what. */
export interface TokenRequest {
  /** Requests with equal keys are for the same token. */
  readonly key: string;
  /** Requests with equal keys are made by the same client to the same server, which rejects all of them or none. */
  readonly clientKey: string;
  /** @throws TokenError */
  fetch(): Promise<Grant>;
}

interface Entry {
  token: string | undefined;
  /** These three: milliseconds of the clock that only goes on. */
  obtained: number;
  usableUntil: number;
  renewFrom: number;
  /** Obtained because the one before was refused. */
  replacement: boolean;
  pending: Promise<string> | undefined;
  failure: Failure | undefined;
}

interface Failure {
  readonly error: TokenError;
  /** Waits of what fails again. */
  readonly backoff: Backoff;
  /** Milliseconds of the clock that only goes on. */
  readonly until: number;
}

export interface TokenCacheOptions {
  /** Milliseconds of a clock that only goes on: lives and waits are told by it, so that a date that jumps changes neither. */
  readonly elapsed?: () => number;
  /** Milliseconds since the epoch, for ends that are told as a date. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Most tokens kept. */
  readonly size?: number;
}

/**
 * Tokens and their lives (UP-30 to UP-34): fetched once however many wait for it, renewed in the background before they
 * end, forgotten when an upstream refuses them. A server that fails is asked again after growing waits. Sets no timer.
 */
export class TokenCache {
  readonly #entries: Lru<string, Entry>;
  /** Clients that a server rejected or that could not reach it. */
  readonly #clients = new Lru<string, Failure>(1_000);
  readonly #elapsed: () => number;
  readonly #now: () => number;
  readonly #random: () => number;

  constructor({
    elapsed = () => performance.now(),
    now = Date.now,
    random = Math.random,
    size = 10_000,
  }: TokenCacheOptions = {}) {
    this.#elapsed = elapsed;
    this.#now = now;
    this.#random = random;
    this.#entries = new Lru(size);
  }

  /**
   * A token: at once when there is one.
   * @throws TokenError (or rejects with it): why there is none
   */
  get(request: TokenRequest): string | Promise<string> {
    const now = this.#elapsed();
    const entry = this.#entry(request.key);
    if (entry.token === undefined || now >= entry.usableUntil) return entry.pending ?? this.#fetch(request, entry);
    if (now >= entry.renewFrom && !entry.pending && !this.#blocked(request, entry, now)) {
      // The one at hand is good still; a failure is noted and tells when to try again.
      this.#fetch(request, entry).catch(() => {});
    }
    return entry.token;
  }

  /** The upstream refused this token. True when asking again will bring another one. */
  refused(key: string, token: string): boolean {
    const entry = this.#entries.get(key);
    if (!entry) return true;
    // A younger one is there already, or on its way.
    if (entry.token !== token) return true;
    if (entry.replacement && this.#elapsed() - entry.obtained < HOPELESS) return false;
    entry.token = undefined;
    entry.replacement = true;
    return true;
  }

  #backoff(): Backoff {
    return new Backoff(FAILURES, this.#random);
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = {
        token: undefined,
        obtained: Number.NEGATIVE_INFINITY,
        usableUntil: 0,
        renewFrom: 0,
        replacement: false,
        pending: undefined,
        failure: undefined,
      };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** One request however many wait; nobody's impatience ends it for the others. */
  #fetch(request: TokenRequest, entry: Entry): Promise<string> {
    const blocked = this.#blocked(request, entry, this.#elapsed());
    if (blocked) return Promise.reject(blocked);
    const pending = request
      .fetch()
      .then(
        (grant) => this.#obtained(request, entry, grant),
        (thrown: unknown) => this.#failed(request, entry, thrown),
      )
      .finally(() => {
        entry.pending = undefined;
      });
    entry.pending = pending;
    return pending;
  }

  #obtained(request: TokenRequest, entry: Entry, { life = DEFAULT_LIFE, token, until }: Grant): string {
    const now = this.#elapsed();
    // Half of a life too short for the margin is still worth using.
    const margin = Math.min(Math.max(MARGIN, life * MARGIN_PART) * (1 + JITTER * this.#random()), life / 2);
    const usable = Math.min(life - margin, (until ?? Number.POSITIVE_INFINITY) - this.#now());
    entry.replacement = entry.replacement && entry.token === undefined;
    entry.token = token;
    entry.obtained = now;
    entry.usableUntil = now + usable;
    entry.renewFrom = now + Math.min(life * RENEWAL, usable * 0.9);
    entry.failure = undefined;
    this.#clients.delete(request.clientKey);
    return token;
  }

  #failed(request: TokenRequest, entry: Entry, thrown: unknown): never {
    const now = this.#elapsed();
    const error =
      thrown instanceof TokenError
        ? thrown
        : new TokenError('unavailable', 'the token could not be asked for', { cause: thrown });
    if (error.kind === 'rejected')
      this.#clients.set(request.clientKey, { error, backoff: this.#backoff(), until: now + REJECTED });
    else {
      const ofClient = error.kind === 'unavailable';
      const before = ofClient ? this.#clients.get(request.clientKey) : entry.failure;
      const backoff = before?.backoff ?? this.#backoff();
      const failure = { error, backoff, until: now + backoff.next() };
      if (ofClient) this.#clients.set(request.clientKey, failure);
      else entry.failure = failure;
    }
    throw error;
  }

  /** Why nobody is to be asked now. */
  #blocked(request: TokenRequest, entry: Entry, now: number): TokenError | undefined {
    const failure = [this.#clients.get(request.clientKey), entry.failure].find((found) => found && now < found.until);
    if (!failure) return undefined;
    const seconds = Math.max(1, Math.ceil((failure.until - now) / 1_000));
    const { kind, message } = failure.error;
    return new TokenError(kind, `${message}; it is asked again in ${seconds} s`, { cause: failure.error });
  }
}
