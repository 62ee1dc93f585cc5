import type { Authenticator, AuthOutcome, AuthSetup, Bearer, Credentials } from '#libs/plugin';
import type { Clock } from '../keys/key-cache.js';
import { looksLikeJwt } from './form.js';
import { isTrusted, outcomeAt, type Verdict, type Verified, VerifiedTokens } from './verified.js';

/** Finds out whether a token is good. */
export interface TokenVerifier {
  verify(bearer: Bearer): Verdict | Promise<Verdict>;
}

export interface TokenAuthenticatorParts {
  readonly setup: AuthSetup;
  readonly jwt: TokenVerifier;
  /** For tokens that are no JWTs; undefined: they are refused. */
  readonly opaque: TokenVerifier | undefined;
  readonly clock: Clock;
  readonly warmUp: () => Promise<void>;
  readonly close: () => void;
}

const NOT_MINE: AuthOutcome = { kind: 'none' };
const NO_INTROSPECTION: AuthOutcome = {
  kind: 'denied',
  reason: 'the token is no JWT, and oauth.introspection is not configured',
};

/**
 * Access tokens. One known from a moment ago is answered at once, by its digest; others are verified by their form, each
 * once, however many requests bring it at the same time.
 */
export class TokenAuthenticator implements Authenticator {
  readonly #tokens = new VerifiedTokens();
  readonly #running = new Map<string, Promise<Verdict>>();
  /** Raised when what was found good before is not to be kept. */
  #epoch = 0;

  constructor(private readonly parts: TokenAuthenticatorParts) {}

  authenticate({ bearer, url }: Credentials): AuthOutcome | Promise<AuthOutcome> {
    if (!bearer) return NOT_MINE;
    const { setup, clock } = this.parts;
    const known = this.#tokens.get(bearer.digest);
    if (known && isTrusted(known, clock)) return outcomeAt(known, setup, url);
    const jwt = looksLikeJwt(bearer.token);
    const verifier = jwt ? this.parts.jwt : this.parts.opaque;
    if (!verifier) return NO_INTROSPECTION;
    return this.#verifyOnce(bearer, verifier, jwt).then((verdict) => outcomeAt(verdict, setup, url));
  }

  /** Forgets every token that was found good: a key was taken back. */
  forget(): void {
    this.#epoch += 1;
    this.#tokens.clear();
    this.#running.clear();
  }

  warmUp(): Promise<void> {
    return this.parts.warmUp();
  }

  close(): void {
    this.forget();
    this.parts.close();
  }

  #verifyOnce(bearer: Bearer, verifier: TokenVerifier, lasting: boolean): Promise<Verdict> {
    const running = this.#running.get(bearer.digest);
    if (running) return running;
    const work = this.#verify(bearer, verifier, lasting).finally(() => {
      if (this.#running.get(bearer.digest) === work) this.#running.delete(bearer.digest);
    });
    this.#running.set(bearer.digest, work);
    return work;
  }

  async #verify(bearer: Bearer, verifier: TokenVerifier, lasting: boolean): Promise<Verdict> {
    const epoch = this.#epoch;
    const verdict = await verifier.verify(bearer);
    if (!('outcome' in verdict)) {
      if (verdict.kind === 'denied') this.#tokens.delete(bearer.digest);
      return verdict;
    }
    const kept = lasting ? samePrincipal(verdict, this.#tokens.get(bearer.digest)) : verdict;
    if (epoch === this.#epoch) this.#tokens.set(bearer.digest, kept);
    return kept;
  }
}

/** A JWT says the same each time: whoever had its principal before keeps the very same object. */
function samePrincipal(next: Verified, before: Verified | undefined): Verified {
  return before ? { ...next, outcome: before.outcome } : next;
}
