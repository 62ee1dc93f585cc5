import type { Claims, ObjectKind, ObjectRef } from '#libs/kernel';
import type { Decision } from '#libs/plugin';
import { fittingMappings } from './claims.js';
import type { Policy } from './policy.js';
import { passes, type Rule } from './rule.js';

/** A scope and where a caller has it from. */
export interface GrantReason {
  readonly scope: string;
  /** Keys of `auth.mappings` that fit the caller's claims. */
  readonly mappings: readonly string[];
  /** Scopes the caller has that imply it. */
  readonly impliedBy: readonly string[];
}

/** One of the permissions that decide. */
export interface RuleReason {
  readonly pattern: string;
  readonly scopes: readonly string[];
  readonly mode: 'any' | 'all';
  readonly public: boolean;
  readonly onDeny: 'hide' | 'challenge';
  readonly passed: boolean;
  /** Scopes of it the caller does not have. */
  readonly missing: readonly string[];
  /** Of these, the ones no client can ask its authorization server for. */
  readonly unobtainable: readonly string[];
}

/** A decision, and everything that led to it. Holds scopes and patterns, and no claim's value but those in mapping keys. */
export interface Explanation {
  readonly object: ObjectRef;
  readonly decision: Decision;
  /** Whether lists show it. */
  readonly listed: boolean;
  readonly grants: readonly GrantReason[];
  readonly rules: readonly RuleReason[];
  /** Patterns that fit as well and are less specific, or that `auth.deny` overrules. */
  readonly overruled: readonly string[];
}

const TYPES: Readonly<Record<string, ObjectKind>> = {
  tools: 'tool',
  prompts: 'prompt',
  resources: 'resource',
  templates: 'template',
};

/** Reads `server:tool`, `prompts/server:name`, `resources/server:uri`; undefined when it is none of these. */
export function parseObject(text: string): ObjectRef | undefined {
  const colon = text.indexOf(':');
  const slash = text.indexOf('/');
  const isTyped = slash >= 0 && slash < colon;
  const kind = isTyped ? TYPES[text.slice(0, slash)] : 'tool';
  const server = text.slice(isTyped ? slash + 1 : 0, Math.max(colon, 0));
  const name = text.slice(colon + 1);
  return kind && server !== '' && name !== '' && colon > 0 ? { kind, server, name } : undefined;
}

export function explain(policy: Policy, claims: Claims, object: ObjectRef): Explanation {
  const grants = policy.granting.of(claims);
  const { decision, rules } = policy.judge(grants, object);
  const deciding = new Set(rules);
  const missingOf = (rule: Rule) => rule.scopes.filter((scope) => !grants.scopes.has(scope));
  return {
    object,
    decision,
    listed: decision.effect !== 'hide',
    grants: reasons(policy, claims, grants.scopes),
    rules: rules.map((rule) => ({
      pattern: rule.pattern.text,
      scopes: rule.scopes,
      mode: rule.mode,
      public: rule.isPublic,
      onDeny: rule.challenges ? 'challenge' : 'hide',
      passed: passes(rule, grants),
      missing: rule.isPublic ? [] : missingOf(rule),
      unobtainable: rule.isPublic ? [] : missingOf(rule).filter((scope) => !policy.ways.has(scope)),
    })),
    overruled: policy
      .about(object)
      .filter((rule) => !deciding.has(rule))
      .map(({ pattern }) => pattern.text),
  };
}

function reasons({ granting }: Policy, claims: Claims, scopes: ReadonlySet<string>): readonly GrantReason[] {
  const fitting = fittingMappings(claims, granting.mappings);
  return [...scopes].map((scope) => ({
    scope,
    mappings: fitting.filter(({ grants }) => grants.includes(scope)).map(({ key }) => key),
    impliedBy: [...scopes].filter((other) => other !== scope && impliesOf(granting.implies, other).includes(scope)),
  }));
}

function impliesOf(implies: Readonly<Record<string, readonly string[]>>, scope: string): readonly string[] {
  return Object.hasOwn(implies, scope) ? (implies[scope] ?? []) : [];
}
