import {
  type AuthConfig,
  type GatewayConfig,
  obtainable,
  type PermissionPattern,
  parseMappings,
  parsePattern,
} from '#libs/config';
import type { ObjectKind, ObjectRef, Principal } from '#libs/kernel';
import type { Decision } from '#libs/plugin';
import { Granting, type Grants } from './grants.js';
import { KnownDecisions } from './known-decisions.js';
import { passes, type Rule, rulesOf, toAskFor } from './rule.js';
import { RuleIndex } from './rule-index.js';
import { otherSpellings } from './spellings.js';

const KINDS: readonly ObjectKind[] = ['tool', 'prompt', 'resource', 'template'];

/** Decisions remembered at a time. */
const MAX_DECISIONS = 50_000;
/** Longer names are decided anew each time: their number is up to whoever asks. */
const MAX_KEPT_NAME = 512;

const OPEN: Decision = { effect: 'allow', rule: 'no permissions are configured' };
const UNMATCHED: Decision = { effect: 'hide', rule: 'no permission matches' };

/** Why something was decided. */
export interface Judgement {
  readonly decision: Decision;
  /** The pattern of `auth.deny` that settles it. */
  readonly denial?: PermissionPattern;
  /** The closest permissions, all of which must be passed; none when the default decides. */
  readonly rules: readonly Rule[];
}

/** The part of a configuration that says who may do what. */
export type PolicyConfig = Pick<GatewayConfig, 'auth' | 'oauth' | 'api_keys'>;

/**
 * One configuration's permissions, compiled. `auth.deny` comes first; then the permissions closest to a thing alone decide,
 * and all of them must be passed; without any, the default scope, and without that nobody. While callers do not
 * authenticate and no permissions are configured, everybody may do what is not denied.
 */
export class Policy {
  readonly granting: Granting;
  /** What to ask an authorization server for to get our scopes; nothing where there is none. */
  readonly ways: ReadonlyMap<string, readonly string[]>;
  readonly isOpen: boolean;
  readonly #rules: RuleIndex<Rule>;
  readonly #denials: RuleIndex<Denial>;
  readonly #fallback: Rule | undefined;
  readonly #allowsAll: boolean;
  readonly #principals = new WeakMap<Principal, Grants>();
  readonly #decisions = new KnownDecisions(MAX_DECISIONS);

  constructor({ auth, oauth, api_keys }: PolicyConfig) {
    const authenticates = oauth.enabled || api_keys.length > 0;
    const rules = rulesOf(auth);
    const mappings = parseMappings(auth);
    this.granting = new Granting(mappings, auth.implies);
    this.ways = oauth.enabled ? obtainable(mappings, auth.implies) : new Map();
    this.isOpen = !authenticates && rules.length === 0 && auth.options.default_scope === null;
    this.#rules = new RuleIndex(rules);
    this.#denials = new RuleIndex(auth.deny.map((text) => ({ pattern: parsePattern(text) })));
    this.#fallback = fallback(auth);
    this.#allowsAll = this.isOpen && auth.deny.length === 0;
  }

  decide(principal: Principal, ref: ObjectRef): Decision {
    if (this.#allowsAll) return OPEN;
    const grants = this.grantsOf(principal);
    if (ref.name.length > MAX_KEPT_NAME) return this.judge(grants, ref).decision;
    let decision = this.#decisions.get(grants, ref);
    if (!decision) {
      decision = this.judge(grants, ref).decision;
      this.#decisions.set(grants, ref, decision);
    }
    return decision;
  }

  classOf(principal: Principal): string {
    return this.grantsOf(principal).key;
  }

  /**
   * Whether a caller may know that a server exists: when there is something it could be shown there, whatever the server
   * has to show.
   */
  mayKnow(principal: Principal, server: string): boolean {
    const grants = this.grantsOf(principal);
    let known = grants.known.get(server);
    if (known === undefined) {
      known = KINDS.some((kind) => this.#couldShow(grants, kind, server));
      grants.known.set(server, known);
    }
    return known;
  }

  grantsOf(principal: Principal): Grants {
    let grants = this.#principals.get(principal);
    if (!grants) {
      grants = this.granting.of(principal.claims);
      this.#principals.set(principal, grants);
    }
    return grants;
  }

  /** The decision and its reasons, made anew. */
  judge(grants: Grants, ref: ObjectRef): Judgement {
    const spellings = otherSpellings(ref);
    const denial = this.#denialOf(ref, spellings);
    if (denial) return { decision: { effect: 'hide', rule: `deny ${denial.text}` }, denial, rules: [] };
    if (this.isOpen) return { decision: OPEN, rules: [] };
    const rules = this.closest(ref, spellings);
    if (rules.length > 0) return { decision: this.#weigh(rules, grants), rules };
    if (!this.#fallback) return { decision: UNMATCHED, rules };
    const effect = passes(this.#fallback, grants) ? 'allow' : 'hide';
    return { decision: { effect, rule: `default_scope ${this.#fallback.scopes[0]}` }, rules };
  }

  /**
   * The permissions closest to a thing. What it may be taken for besides counts only where a rule for that is at least as
   * close: another spelling can make a decision stricter, and never grant what its own would not.
   */
  closest({ kind, server, name }: ObjectRef, spellings: readonly string[]): readonly Rule[] {
    let best = this.#rules.closest(kind, server, name);
    for (const spelling of best ? spellings : []) {
      const other = this.#rules.closest(kind, server, spelling);
      if (!best || !other) continue;
      const isCloser = other.server === best.server ? other.object > best.object : other.server > best.server;
      if (isCloser) best = other;
      else if (other.server === best.server && other.object === best.object)
        best = { ...best, rules: [...new Set([...best.rules, ...other.rules])] };
    }
    return best?.rules ?? [];
  }

  /** All permissions that fit a thing, deciding or not. */
  about({ kind, server, name }: ObjectRef): readonly Rule[] {
    return this.#rules.about(kind, server).filter(({ pattern }) => pattern.fitsObject(name));
  }

  #denialOf({ kind, server, name }: ObjectRef, spellings: readonly string[]): PermissionPattern | undefined {
    for (const text of [name, ...spellings]) {
      const found = this.#denials.closest(kind, server, text)?.rules[0];
      if (found) return found.pattern;
    }
    return undefined;
  }

  #weigh(rules: readonly Rule[], grants: Grants): Decision {
    const rule = rules.map(({ pattern }) => pattern.text).join(' and ');
    if (rules.every((one) => passes(one, grants))) return { effect: 'allow', rule };
    const scopes = new Set<string>();
    for (const one of rules) {
      const asked = toAskFor(one, grants, this.ways);
      if (!asked) return { effect: 'hide', rule };
      for (const scope of asked) scopes.add(scope);
    }
    return { effect: 'challenge', rule, scopes: [...scopes] };
  }

  /**
   * A pattern's own text stands for whatever it fits: only what fits all of that fits the text. So every pattern is asked
   * about, and `*` for what no pattern is about.
   */
  #couldShow(grants: Grants, kind: ObjectKind, server: string): boolean {
    const names = new Set(['*', ...this.#rules.about(kind, server).map(({ pattern }) => pattern.object)]);
    for (const name of names) if (this.judge(grants, { kind, server, name }).decision.effect !== 'hide') return true;
    return false;
  }
}

interface Denial {
  readonly pattern: PermissionPattern;
}

function fallback({ options }: AuthConfig): Rule | undefined {
  const scope = options.default_scope;
  if (scope === null) return undefined;
  return { pattern: parsePattern('*/*:*'), scopes: [scope], mode: 'any', challenges: false, isPublic: false };
}
