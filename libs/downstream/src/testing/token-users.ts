import { type Principal, principal } from '#libs/kernel';
import type { Authenticator, AuthOutcome, Credentials } from '#libs/plugin';

export const ISSUER = 'https://issuer.example';

/** For tests in which tokens end, change and are many: `Authorization: Bearer <name>` is whatever the test says. */
export class TokenUsers implements Authenticator {
  readonly tokens = new Map<string, Principal>();
  /** Tokens nobody can judge at the moment. */
  readonly unknown = new Set<string>();
  asked = 0;

  /** A token of `subject`; its headers. */
  give(
    token: string,
    subject: string,
    details: Parameters<typeof principal>[2] = {},
    issuer = ISSUER,
  ): { authorization: string } {
    this.tokens.set(token, principal(issuer, subject, details));
    return { authorization: `Bearer ${token}` };
  }

  authenticate({ bearer }: Credentials): AuthOutcome {
    this.asked++;
    if (!bearer) return { kind: 'none' };
    if (this.unknown.has(bearer.token)) return { kind: 'unavailable', retryAfterSeconds: 1 };
    const known = this.tokens.get(bearer.token);
    return known ? { kind: 'ok', principal: known } : { kind: 'denied', reason: 'not one of ours' };
  }
}
