import { type AuthConfig, type PermissionPattern, parsePattern } from '#libs/config';
import type { Grants } from './grants.js';

/** One entry of `auth.permissions`, with what its options default to. */
export interface Rule {
  readonly pattern: PermissionPattern;
  readonly scopes: readonly string[];
  readonly mode: 'any' | 'all';
  readonly challenges: boolean;
  readonly isPublic: boolean;
}

export function rulesOf({ permissions, options }: Pick<AuthConfig, 'permissions' | 'options'>): readonly Rule[] {
  return Object.entries(permissions).map(([text, entry]) => ({
    pattern: parsePattern(text),
    scopes: entry.scopes,
    mode: entry.mode ?? options.scope_mode,
    challenges: entry.on_deny === 'challenge',
    isPublic: entry.public,
  }));
}

/** Any of no scopes is none, so nobody passes; all of none cannot be configured, and would let nobody pass either. */
export function passes({ isPublic, scopes, mode }: Rule, { scopes: had }: Grants): boolean {
  if (isPublic) return true;
  if (scopes.length === 0) return false;
  return mode === 'all' ? scopes.every((scope) => had.has(scope)) : scopes.some((scope) => had.has(scope));
}

/**
 * What a client has to ask its authorization server for, so that its holder passes a rule: everything the rule needs, what
 * it holds already included, since a new token may replace the old one. Undefined when asking cannot help.
 * `ways` says for our scopes which of the token's own scopes grants them.
 */
export function toAskFor(
  rule: Rule,
  grants: Grants,
  ways: ReadonlyMap<string, readonly string[]>,
): readonly string[] | undefined {
  const holds = passes(rule, grants);
  if (!holds && !rule.challenges) return undefined;
  if (rule.isPublic) return [];
  const heldFor = (scope: string) => ways.get(scope)?.find((way) => grants.held.has(way));
  if (rule.mode === 'any') {
    const had = rule.scopes.filter((scope) => grants.scopes.has(scope));
    if (holds) return had.flatMap((scope) => heldFor(scope) ?? []).slice(0, 1);
    const first = rule.scopes.find((scope) => ways.has(scope));
    return first === undefined ? undefined : ways.get(first)!.slice(0, 1);
  }
  const asked: string[] = [];
  for (const scope of rule.scopes) {
    const way = grants.scopes.has(scope) ? heldFor(scope) : ways.get(scope)?.[0];
    if (way !== undefined) asked.push(way);
    else if (!grants.scopes.has(scope)) return undefined;
  }
  return asked;
}
