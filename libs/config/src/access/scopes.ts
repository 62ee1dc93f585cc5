import { SCOPE } from '../fields/formats.js';
import type { AuthConfig } from '../sections/auth.config.js';

/** Claims by which a token says what its client was allowed to do (RFC 6749 3.3, and as Okta and Entra name it). */
const SCOPE_CLAIMS: ReadonlySet<string> = new Set(['scope', 'scp']);

export function isScopeClaim(claim: string): boolean {
  return SCOPE_CLAIMS.has(claim);
}

/** `auth.implies`. */
export type Implies = Readonly<Record<string, readonly string[]>>;

/** One entry of `auth.mappings`, taken apart. */
export interface Mapping {
  /** As it was written: `claim:value`. */
  readonly key: string;
  readonly claim: string;
  readonly value: string;
  readonly grants: readonly string[];
}

/** The claim of a mapping's key: the longest listed one that is followed by ":" there. */
export function mappingClaim(key: string, claims: readonly string[]): string | undefined {
  const fitting = claims.filter((claim) => key.startsWith(`${claim}:`));
  return fitting.sort((a, b) => b.length - a.length)[0];
}

export function parseMappings({ claims, mappings }: Pick<AuthConfig, 'claims' | 'mappings'>): readonly Mapping[] {
  return Object.entries(mappings).flatMap(([key, grants]) => {
    const claim = mappingClaim(key, claims);
    return claim === undefined ? [] : [{ key, claim, value: key.slice(claim.length + 1), grants }];
  });
}

/** These scopes and all that they imply, however far; in circles too. */
export function withImplied(scopes: Iterable<string>, implies: Implies): ReadonlySet<string> {
  const all = new Set(scopes);
  // A set that grows is walked to its new end.
  for (const scope of all) {
    for (const implied of Object.hasOwn(implies, scope) ? (implies[scope] ?? []) : []) all.add(implied);
  }
  return all;
}

/**
 * Scopes that a client can ask an authorization server for, because a mapping reads them from a token's own scopes: to each
 * of our scopes, what may be asked for. What grants it directly comes before what merely implies it.
 */
export function obtainable(mappings: readonly Mapping[], implies: Implies): ReadonlyMap<string, readonly string[]> {
  const asked = mappings.filter(({ claim, value }) => isScopeClaim(claim) && SCOPE.test(value));
  const ways = new Map<string, string[]>();
  const note = (scope: string, value: string) => {
    const known = ways.get(scope);
    if (!known) ways.set(scope, [value]);
    else if (!known.includes(value)) known.push(value);
  };
  for (const { value, grants } of asked) for (const scope of grants) note(scope, value);
  for (const { value, grants } of asked) for (const scope of withImplied(grants, implies)) note(scope, value);
  return ways;
}
