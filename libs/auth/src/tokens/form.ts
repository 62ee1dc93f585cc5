import { isObject } from '#libs/kernel';
import { shown } from '../shown.js';

/** A token read, and nothing of it believed. */
export interface UnverifiedJwt {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly issuer: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface FormRules {
  readonly algorithms: readonly string[];
  /** `at+jwt`: nothing else. `any`: also `JWT`, and none at all. */
  readonly type: 'at+jwt' | 'any';
}

export type Read = { readonly jwt: UnverifiedJwt } | { readonly refused: string };

const SEGMENT = /^[A-Za-z0-9_-]+$/;
const MAX_HEADER = 1_024;
const MAX_KID = 255;

/** Tokens for something else, which no rule ever lets in (RS-26). */
const OTHER_TYPES: ReadonlySet<string> = new Set(['dpop+jwt', 'oauth-id-jag+jwt', 'logout+jwt', 'secevent+jwt']);
/** Header members that change what a signature covers or means (RFC 7515 4.1.11, RFC 7516, RFC 7797). */
const REFUSED_MEMBERS = ['crit', 'b64', 'zip', 'enc'] as const;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Whether a token is a JWT by its form: then it is judged as one and never as anything else (RS-40). */
export function looksLikeJwt(token: string): boolean {
  const dot = token.indexOf('.');
  return dot > 0 && Buffer.from(token.slice(0, dot), 'base64url').toString('latin1').trimStart().startsWith('{');
}

/**
 * Reads a JWT and checks everything that needs no key: form, sizes, algorithm, type. Where a header says keys are to be found
 * (`jku`, `x5u`, `jwk`, `x5c`) is not read at all; its `kid` is an id to look up and nothing else (RS-20 to RS-22, RS-26).
 */
export function readJwt(token: string, rules: FormRules): Read {
  const segments = token.split('.', 6);
  if (segments.length === 5) return refused('it is encrypted (JWE); ask for an access token with an audience');
  if (segments.length !== 3) return refused('it does not have three segments');
  if (!segments.every((segment) => SEGMENT.test(segment))) return refused('its segments are not base64url');
  const [first, second] = segments as [string, string, string];
  if (first.length > (MAX_HEADER * 4) / 3 + 2) return refused('its header is larger than 1 KiB');
  const header = jsonObject(first);
  if (!header) return refused('its header is no JSON object');
  const flaw = headerFlaw(header, rules);
  if (flaw !== undefined) return refused(flaw);
  const claims = jsonObject(second);
  if (!claims) return refused('its payload is no JSON object');
  const { iss } = claims;
  if (typeof iss !== 'string') return refused('it names no issuer');
  return { jwt: { alg: header['alg'] as string, kid: header['kid'] as string | undefined, issuer: iss, claims } };
}

function headerFlaw(header: Readonly<Record<string, unknown>>, { algorithms, type }: FormRules): string | undefined {
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string' || !algorithms.includes(alg)) {
    return `its algorithm is ${shown(alg)}; oauth.algorithms has ${algorithms.join(', ')}`;
  }
  const member = REFUSED_MEMBERS.find((name) => Object.hasOwn(header, name));
  if (member !== undefined) return `its header has ${member}, which is not supported`;
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID)) {
    return 'its kid is no text of 1 to 255 characters';
  }
  return typeFlaw(typ, type);
}

function typeFlaw(typ: unknown, wanted: FormRules['type']): string | undefined {
  if (typ !== undefined && typeof typ !== 'string') return 'its typ is no text';
  const name = typ?.toLowerCase().replace(/^application\//, '');
  if (name === 'at+jwt') return undefined;
  if (name !== undefined && OTHER_TYPES.has(name)) return `it is a ${name}, not an access token`;
  if (wanted === 'at+jwt') {
    return `its typ is ${shown(typ)}, not at+jwt (RFC 9068); for providers that do not set it: oauth.oidc.typ: any`;
  }
  return name === undefined || name === 'jwt' ? undefined : `its typ is ${shown(typ)}`;
}

function jsonObject(segment: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(Buffer.from(segment, 'base64url')));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function refused(reason: string): Read {
  return { refused: reason };
}
