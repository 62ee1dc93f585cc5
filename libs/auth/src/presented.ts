import { hash } from 'node:crypto';
import type { AuthOutcome, Bearer, Credentials } from '#libs/plugin';
import type { KnownBearers } from './known-bearers.js';

/** `Bearer`, in any case, and one word. */
const BEARER = /^bearer +([\x21-\x7e]+)$/i;
/** A scheme alone, or one with something behind it. */
const OTHER_SCHEME = /^(?!bearer(?: |$))[!#$%&'*+.^_`|~0-9a-z-]+ +[\x20-\x7e]+$/i;

export type Presented =
  | { readonly kind: 'bearer'; readonly bearer: Bearer; readonly isKnown: boolean }
  | Extract<AuthOutcome, { kind: 'none' | 'malformed' | 'denied' }>;

const NONE: Presented = { kind: 'none' };
const TWICE: Presented = { kind: 'malformed', reason: 'two Authorization headers' };
const NOT_BEARER: Presented = { kind: 'malformed', reason: 'the Authorization header is not "Bearer <token>"' };
const IN_URL: Presented = { kind: 'malformed', reason: 'an access_token in the URL; tokens belong in the header' };
const IN_FORM: Presented = { kind: 'malformed', reason: 'a form instead of a header; tokens in a body are not read' };
const TOO_LONG: Presented = {
  kind: 'denied',
  reason: 'the token is longer than server.limits.token',
  limit: 'server.limits.token',
};

/**
 * The one credential a request presents. Two, one in the URL or in a form, and a header that cannot be read are
 * malformed (RS-08, RS-16). Other schemes than Bearer are none of ours. Judges no token but by its length, in characters;
 * those in `known` were within it.
 */
export function presented({ headers, rawHeaders, url }: Credentials, longest: number, known?: KnownBearers): Presented {
  if (url.includes('?') && carriesToken(url)) return IN_URL;
  const { authorization } = headers;
  if (authorization === undefined) return isForm(headers['content-type']) ? IN_FORM : NONE;
  // Node keeps the first of several and does not say so (RS-15).
  if (occursTwice(rawHeaders) || typeof authorization !== 'string') return TWICE;
  const bearer = known?.get(authorization);
  if (bearer) return { kind: 'bearer', bearer, isKnown: true };
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) return OTHER_SCHEME.test(authorization) ? NONE : NOT_BEARER;
  if (token.length > longest) return TOO_LONG;
  return { kind: 'bearer', bearer: { token, digest: hash('sha256', token, 'base64url') }, isKnown: false };
}

function carriesToken(url: string): boolean {
  return new URLSearchParams(url.slice(url.indexOf('?') + 1)).has('access_token');
}

function isForm(type: string | readonly string[] | undefined): boolean {
  return typeof type === 'string' && /^\s*application\/x-www-form-urlencoded\b/i.test(type);
}

function occursTwice(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 13 && name.toLowerCase() === 'authorization' && ++count > 1) return true;
  }
  return false;
}
