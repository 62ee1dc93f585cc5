import { createHash } from 'node:crypto';

/** Who is calling: always the pair (issuer, subject), never the subject alone. */
export interface Principal {
  readonly issuer: string;
  readonly subject: string;
  /** Scopes granted to this caller by the claim mappings. */
  readonly scopes: ReadonlySet<string>;
  readonly anonymous: boolean;
  /** Stable key of (issuer, subject): safe in maps, session seals and logs. */
  readonly key: string;
}

/** Hashed as a JSON array, so that no pair of strings can imitate another pair, whatever characters are in them. */
export function principalKey(issuer: string, subject: string): string {
  return createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('base64url')
    .slice(0, 22);
}

export function principal(issuer: string, subject: string, scopes: Iterable<string> = []): Principal {
  return Object.freeze({
    issuer,
    subject,
    scopes: new Set(scopes),
    anonymous: false,
    key: principalKey(issuer, subject),
  });
}

/** The only caller there is while authentication is off. */
export const ANONYMOUS: Principal = Object.freeze({
  issuer: '',
  subject: 'anonymous',
  scopes: new Set<string>(),
  anonymous: true,
  key: 'anonymous',
});
