import { closeness, type PermissionPattern } from '#libs/config';
import type { ObjectKind } from '#libs/kernel';

/** Servers whose rules are kept sorted; there are as many as are configured. */
const MAX_SERVERS = 1_000;

/** The closest rules of one thing, and how close they are: server first, then the thing itself. */
export interface Closest<R> {
  readonly server: number;
  readonly object: number;
  readonly rules: readonly R[];
}

/**
 * Rules by what they are about. Finding the closest ones takes a look-up per length of prefix that occurs, however many
 * rules there are.
 */
export class RuleIndex<R extends { readonly pattern: PermissionPattern }> {
  readonly #servers = new Map<string, readonly Tier<R>[]>();

  constructor(private readonly rules: readonly R[]) {}

  /** The most specific rules for a name, all equally close; undefined when none fits. */
  closest(kind: ObjectKind, server: string, name: string): Closest<R> | undefined {
    for (const { closeness: own, objects } of this.#tiers(kind, server)) {
      const found = objects.closest(name);
      if (found) return { server: own, ...found };
    }
    return undefined;
  }

  /** Everything that says something about things of this kind on this server. */
  about(kind: ObjectKind, server: string): readonly R[] {
    return this.rules.filter(({ pattern }) => pattern.kinds.includes(kind) && pattern.fitsServer(server));
  }

  #tiers(kind: ObjectKind, server: string): readonly Tier<R>[] {
    const key = `${kind} ${server}`;
    let tiers = this.#servers.get(key);
    if (!tiers) {
      if (this.#servers.size >= MAX_SERVERS) this.#servers.clear();
      tiers = tiersOf(this.about(kind, server));
      this.#servers.set(key, tiers);
    }
    return tiers;
  }
}

/** Rules that name their server equally closely. */
interface Tier<R extends { readonly pattern: PermissionPattern }> {
  readonly closeness: number;
  readonly objects: ObjectIndex<R>;
}

function tiersOf<R extends { readonly pattern: PermissionPattern }>(rules: readonly R[]): readonly Tier<R>[] {
  const groups = groupBy(rules, ({ pattern }) => closeness(pattern.server));
  return [...groups]
    .sort(([a], [b]) => b - a)
    .map(([own, members]) => ({ closeness: own, objects: new ObjectIndex(members) }));
}

/** Object patterns of one tier: whole names, and the others by the letters before their first star. */
class ObjectIndex<R extends { readonly pattern: PermissionPattern }> {
  readonly #exact: ReadonlyMap<string, readonly R[]>;
  readonly #byPrefix: ReadonlyMap<string, readonly R[]>;
  /** Lengths of prefixes that occur, the longest first. */
  readonly #lengths: readonly number[];

  constructor(rules: readonly R[]) {
    const isExact = ({ pattern }: R) => closeness(pattern.object) === Number.POSITIVE_INFINITY;
    const globs = rules.filter((rule) => !isExact(rule));
    this.#exact = groupBy(rules.filter(isExact), ({ pattern }) => pattern.object);
    this.#byPrefix = groupBy(globs, ({ pattern }) => pattern.object.slice(0, closeness(pattern.object)));
    this.#lengths = [...new Set([...this.#byPrefix.keys()].map(({ length }) => length))].sort((a, b) => b - a);
  }

  closest(name: string): Omit<Closest<R>, 'server'> | undefined {
    const exact = this.#exact.get(name);
    if (exact) return { object: Number.POSITIVE_INFINITY, rules: exact };
    for (const length of this.#lengths) {
      if (length > name.length) continue;
      const candidates = this.#byPrefix.get(name.slice(0, length)) ?? [];
      const rules = candidates.filter(({ pattern }) => pattern.fitsObject(name));
      if (rules.length > 0) return { object: length, rules };
    }
    return undefined;
  }
}

function groupBy<K, V>(values: readonly V[], keyOf: (value: V) => K): ReadonlyMap<K, readonly V[]> {
  const groups = new Map<K, V[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}
