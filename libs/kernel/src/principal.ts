import { createHash } from 'node:crypto';
import type { Secret } from './secret.js';

/** What an identity provider says of somebody, as own properties of an object without prototype. */
export type Claims = Readonly<Record<string, unknown>>;

/** Who is calling: always the pair (issuer, subject), never the subject alone. */
export interface Principal {
  readonly issuer: string;
  readonly subject: string;
  readonly anonymous: boolean;
  /** Stable key of (issuer, subject): safe in maps, session seals and logs. */
  readonly key: string;
  /** What scopes are granted by. Which claims count is the permissions' decision, made anew with every policy. */
  readonly claims: Claims;
  /** The OAuth client the credential was issued to, where it says. */
  readonly clientId?: string;
  /** Milliseconds since the epoch when the credential ends; absent: it has no end. */
  readonly expiresAt?: number;
  /** The credential itself, for exchange at an authorization server. Never sent to an upstream. */
  readonly token?: Secret;
}

/** What a credential says of its holder besides who it is. */
export interface PrincipalDetails {
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  readonly clientId?: string | undefined;
  readonly expiresAt?: number | undefined;
  readonly token?: Secret | undefined;
}

/** Hashed as a JSON array, so that no pair of strings can imitate another pair, whatever characters are in them. */
export function principalKey(issuer: string, subject: string): string {
  return createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('base64url')
    .slice(0, 22);
}

export function principal(issuer: string, subject: string, details: PrincipalDetails = {}): Principal {
  const { claims, clientId, expiresAt, token } = details;
  return Object.freeze({
    issuer,
    subject,
    anonymous: false,
    key: principalKey(issuer, subject),
    claims: ownClaims(claims),
    ...(clientId !== undefined && { clientId }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(token && { token }),
  });
}

/** No prototype, so that a claim called `__proto__` or `constructor` is a claim like any other and none is inherited. */
function ownClaims(claims: Readonly<Record<string, unknown>> = {}): Claims {
  const own = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(claims)) own[name] = claims[name];
  return Object.freeze(own);
}

/** The only caller there is while authentication is off. */
export const ANONYMOUS: Principal = Object.freeze({
  issuer: '',
  subject: 'anonymous',
  anonymous: true,
  key: 'anonymous',
  claims: ownClaims(),
});
