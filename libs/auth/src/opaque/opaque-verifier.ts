import { type Log, Lru, messageOf } from '#libs/kernel';
import type { AuthSetup, Bearer } from '#libs/plugin';
import type { Clock } from '../keys/key-cache.js';
import type { Preset } from '../providers/preset.js';
import type { Claims } from '../tokens/claims.js';
import { judgeClaims } from '../tokens/judge-claims.js';
import { type Verdict, verified } from '../tokens/verified.js';
import { Breaker, Turnstile } from './gate.js';
import type { Introspected, Introspector } from './introspector.js';

const MAX_CALLS = 20;
const MAX_WAITING = 200;
/** Milliseconds that a refusal is remembered. */
const REMEMBER_REFUSED = 10_000;
const MAX_REFUSED = 10_000;
const BUSY: Verdict = { kind: 'unavailable', retryAfterSeconds: 1 };
const FAILED: Verdict = { kind: 'unavailable', retryAfterSeconds: 5 };
const ALARM_EVERY = 60_000;

export interface OpaqueParts {
  readonly preset: Preset;
  readonly setup: AuthSetup;
  readonly introspector: Introspector;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Finds opaque tokens good or not by asking who issued them, then by the same rules as JWTs (RS-42). An endpoint that fails
 * makes them neither good nor bad: callers are told to come back (RS-43).
 */
export class OpaqueVerifier {
  readonly #refused = new Lru<string, { readonly verdict: Verdict; readonly until: number }>(MAX_REFUSED);
  readonly #breaker: Breaker;
  readonly #turnstile = new Turnstile(MAX_CALLS, MAX_WAITING);
  #alarmedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: OpaqueParts) {
    this.#breaker = new Breaker(parts.clock);
  }

  verify(bearer: Bearer): Verdict | Promise<Verdict> {
    const refused = this.#refused.get(bearer.digest);
    if (refused && refused.until > this.parts.clock.elapsed()) return refused.verdict;
    return this.#turnstile.run(() => this.#ask(bearer)) ?? BUSY;
  }

  async #ask(bearer: Bearer): Promise<Verdict> {
    const wait = this.#breaker.enter();
    if (wait > 0) return { kind: 'unavailable', retryAfterSeconds: Math.ceil(wait / 1_000) };
    const found = await this.#introspect(bearer.token);
    if (found.kind === 'failed') return this.#fail(found.reason);
    this.#breaker.succeeded();
    if (found.kind === 'rejected') return this.#alarm(found.reason);
    const verdict = found.kind === 'active' ? this.#judge(found.claims, bearer.token) : denied(found.reason);
    if (!('outcome' in verdict)) {
      this.#refused.set(bearer.digest, { verdict, until: this.parts.clock.elapsed() + REMEMBER_REFUSED });
    }
    return verdict;
  }

  async #introspect(token: string): Promise<Introspected> {
    try {
      return await this.parts.introspector.ask(token);
    } catch (thrown) {
      return { kind: 'failed', reason: messageOf(thrown) };
    }
  }

  #judge(claims: Claims, token: string): Verdict {
    const { preset, setup, clock } = this.parts;
    const issuer = this.#issuerOf(claims['iss']);
    if (issuer === undefined) {
      return denied('the answer names no issuer of oauth.authorization_servers, or none where several are configured');
    }
    const now = clock.now();
    const judged = judgeClaims(withSubject(claims), { preset, setup, issuer, token, now });
    if ('refused' in judged) return denied(judged.refused);
    return verified(judged.principal, {
      reach: judged.reach,
      size: JSON.stringify(claims).length,
      elapsed: clock.elapsed(),
    });
  }

  /** The one it names; one that names none is the only one's, or that of the issuer at the endpoint's own origin. */
  #issuerOf(iss: unknown): string | undefined {
    const { preset, setup } = this.parts;
    const { issuers } = setup;
    if (iss !== undefined) {
      const named = typeof iss === 'string' ? (preset.issuerOf?.(iss) ?? iss) : undefined;
      return issuers.find((issuer) => issuer === named);
    }
    if (issuers.length === 1) return issuers[0];
    const origin = setup.introspection && new URL(setup.introspection.url).origin;
    const near = issuers.filter((issuer) => new URL(issuer).origin === origin);
    return near.length === 1 ? near[0] : undefined;
  }

  #fail(reason: string): Verdict {
    this.#breaker.failed();
    this.parts.log.warn({ reason }, 'opaque tokens cannot be judged: the introspection endpoint fails');
    return FAILED;
  }

  /** Nobody with an opaque token gets in until somebody mends this; telling clients that their tokens are bad would be wrong. */
  #alarm(reason: string): Verdict {
    const now = this.parts.clock.elapsed();
    if (now - this.#alarmedAt >= ALARM_EVERY) {
      this.#alarmedAt = now;
      this.parts.log.error(
        { reason },
        'the introspection endpoint refuses the gateway itself: check oauth.introspection.client_id and client_secret',
      );
    }
    return FAILED;
  }
}

/**
 * A client that got the token for itself is its own subject, as in a JWT (RFC 9068, 2.2); many endpoints leave it out. Not
 * where there is a user, who would become one with all others of that client.
 */
function withSubject(claims: Claims): Claims {
  const { sub, username, client_id: client } = claims;
  return sub === undefined && username === undefined && client !== undefined ? { ...claims, sub: client } : claims;
}

function denied(reason: string): Verdict {
  return { kind: 'denied', reason: `the token is refused: ${reason}` };
}
