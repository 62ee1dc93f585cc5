import { shown } from '../shown.js';

export type Claims = Readonly<Record<string, unknown>>;

export interface TimeRules {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds that clocks may differ. */
  readonly tolerance: number;
}

/** Claims that only tokens for something else carry, whoever issued them: what `typ` or `token_use` says they are. */
const OTHER_USES: ReadonlySet<string> = new Set(['id', 'refresh', 'offline', 'logout', 'serialized-id']);
/** Marks of an ID token: what binds it to a login (OIDC Core 2). */
const LOGIN_MARKS = ['nonce', 'at_hash', 'c_hash'] as const;
const MAX_SUBJECT = 255;

/** Why the times of a token do not hold (RS-25). */
export function timeFlaw(claims: Claims, { now, tolerance }: TimeRules): string | undefined {
  const { exp, nbf, iat } = claims;
  if (!isTime(exp)) return exp === undefined ? 'it has no exp' : 'its exp is no whole number of seconds';
  if (nbf !== undefined && !isTime(nbf)) return 'its nbf is no whole number of seconds';
  if (iat !== undefined && !isTime(iat)) return 'its iat is no whole number of seconds';
  if (now >= exp * 1_000 + tolerance) return `it expired at ${exp}`;
  if (nbf !== undefined && nbf * 1_000 > now + tolerance) return `it is not good before ${nbf}`;
  if (iat !== undefined && iat * 1_000 > now + tolerance)
    return `it was issued in the future, at ${iat}: check the clocks`;
  return undefined;
}

/** Why this is no bearer token at all: bound to a key, or made for something else (RS-51, T020). */
export function purposeFlaw(claims: Claims): string | undefined {
  if (Object.hasOwn(claims, 'cnf')) return 'it is bound to a key of its holder (cnf), and was presented without proof';
  for (const name of ['typ', 'token_use', 'token_type']) {
    const value = claims[name];
    if (typeof value !== 'string') continue;
    const use = value.toLowerCase();
    if (OTHER_USES.has(use) || use.startsWith('refresh'))
      return `it is no access token: its ${name} is ${shown(value)}`;
  }
  if (typeof claims['events'] === 'object' && claims['events'] !== null)
    return 'it tells of events (RFC 8417) and is no access token';
  return undefined;
}

/** RS-60: a login's marks, and nothing that grants anything. */
export function idTokenFlaw(claims: Claims, grants: readonly string[]): string | undefined {
  const mark = LOGIN_MARKS.find((name) => Object.hasOwn(claims, name));
  if (mark === undefined || grants.some((name) => Object.hasOwn(claims, name))) return undefined;
  return `it looks like an ID token: it has ${mark} and none of ${grants.join(', ')}`;
}

/**
 * Who a token is about: the first alternative of which all claims are there, joined by `/`. Each has to be text of 1 to 255
 * characters without control characters.
 */
export function subjectOf(
  claims: Claims,
  alternatives: readonly (readonly string[])[],
): { readonly subject: string } | { readonly flaw: string } {
  const present = alternatives.find((names) => names.every((name) => claims[name] !== undefined));
  if (!present) return { flaw: `it has no ${alternatives.map((names) => names.join(' and ')).join(', nor ')}` };
  const parts = present.map((name) => claims[name]);
  if (!parts.every(isSubject)) {
    return {
      flaw: `its ${present.join(' and ')} is no text of 1 to ${MAX_SUBJECT} characters without control characters`,
    };
  }
  return { subject: parts.join('/') };
}

/** The audiences in `aud`; undefined when it is neither text nor a list of texts. */
export function audiencesOf(aud: unknown): readonly string[] | undefined {
  if (typeof aud === 'string') return [aud];
  return Array.isArray(aud) && aud.every((entry) => typeof entry === 'string') ? aud : undefined;
}

/** The first of these claims that is text. */
export function textClaim(claims: Claims, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = claims[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isSubject(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_SUBJECT && !/\p{Cc}/u.test(value);
}
