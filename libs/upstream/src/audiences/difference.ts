import { type Audiences, JsonView, LIST_KINDS, type Listing, type ListKind } from '#libs/mcp';

/** How the lists for one capability set differ from the lists for none. */
export interface Difference {
  readonly added: Readonly<Record<ListKind, readonly Buffer[]>>;
  /** Own names or URIs. */
  readonly removed: Readonly<Record<ListKind, readonly string[]>>;
}

const IDENTITY: Readonly<Record<ListKind, string>> = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  templates: 'uriTemplate',
};

/** What a server offers under `own` besides or instead of `base`. A list that failed on either side counts as equal. */
export function differenceOf(base: Listing, own: Listing): Difference {
  const added = emptyLists<Buffer>();
  const removed = emptyLists<string>();
  for (const kind of LIST_KINDS) {
    if (base.failed[kind] !== undefined || own.failed[kind] !== undefined) continue;
    const [ours, theirs] = [byName(kind, base), byName(kind, own)];
    for (const [name, item] of theirs) if (!ours.has(name)) added[kind].push(item);
    for (const name of ours.keys()) if (!theirs.has(name)) removed[kind].push(name);
  }
  return { added, removed };
}

export function isEmpty({ added, removed }: Difference): boolean {
  return LIST_KINDS.every((kind) => added[kind].length === 0 && removed[kind].length === 0);
}

/** The union of all lists, and who is offered what. `base` itself when every capability set is offered the same. */
export function withAudiences(base: Listing, differences: ReadonlyMap<string, Difference>): Listing {
  const keys = [...differences.keys()].sort();
  if (keys.every((key) => isEmpty(differences.get(key)!))) return base;
  const items = {} as Record<ListKind, readonly Buffer[]>;
  const only = {} as Record<ListKind, Audiences['only'][ListKind]>;
  for (const kind of LIST_KINDS) {
    const union = byName(kind, base);
    const extra = new Map<string, { item: Buffer; sets: string[] }>();
    const missing = new Map<string, Set<string>>();
    for (const key of keys) {
      const { added, removed } = differences.get(key)!;
      for (const item of added[kind]) {
        const name = nameOf(kind, item);
        if (name === undefined || union.has(name)) continue;
        const known = extra.get(name);
        if (known) known.sets.push(key);
        else extra.set(name, { item, sets: [key] });
      }
      for (const name of removed[kind]) {
        if (!union.has(name)) continue;
        if (!missing.has(name)) missing.set(name, new Set());
        missing.get(name)?.add(key);
      }
    }
    items[kind] = [...base.items[kind], ...[...extra.values()].map(({ item }) => item)];
    only[kind] = [
      ...[...missing].map(([name, without]) => [name, ['', ...keys.filter((key) => !without.has(key))]] as const),
      ...[...extra].map(([name, { sets }]) => [name, sets] as const),
    ];
  }
  return { ...base, items, audiences: { probed: ['', ...keys], only } };
}

function byName(kind: ListKind, listing: Listing): Map<string, Buffer> {
  const names = new Map<string, Buffer>();
  for (const item of listing.items[kind]) {
    const name = nameOf(kind, item);
    if (name !== undefined && !names.has(name)) names.set(name, item);
  }
  return names;
}

function nameOf(kind: ListKind, item: Buffer): string | undefined {
  return JsonView.of(item).get(IDENTITY[kind])?.string();
}

function emptyLists<T>(): Record<ListKind, T[]> {
  return { tools: [], prompts: [], resources: [], templates: [] };
}
