import { canonicalName, compileGlob, compileSelection, Lru, type ObjectRef, type Spelling } from '#libs/kernel';
import { LIST_KINDS, type ListKind } from '#libs/mcp';
import type { ServerEntry } from '../entry.js';
import { remembered } from '../remembered.js';
import type { CatalogueToolset } from '../settings.js';
import { NameTable } from './name-table.js';
import type { ScopeItem } from './scope-item.js';

/** Spellings remembered per endpoint and list. */
const MAX_TABLES = 32;

/** Everything of one kind behind an endpoint, in list order. */
export class ScopeList {
  readonly items: readonly ScopeItem[];
  /** Index by canonical name `server:name`. */
  readonly canonical: ReadonlyMap<string, number>;
  #owners: Map<string, number[]> | undefined;

  constructor(items: readonly ScopeItem[]) {
    this.items = items;
    this.canonical = new Map(items.map(({ item }, index) => [canonicalName(item.ref), index]));
  }

  /** Indexes of the items with this own name or URI, one per upstream that has it. */
  owners(name: string): readonly number[] {
    if (!this.#owners) {
      this.#owners = new Map();
      for (const [index, { item }] of this.items.entries()) {
        const same = this.#owners.get(item.ref.name);
        if (same) same.push(index);
        else this.#owners.set(item.ref.name, [index]);
      }
    }
    return this.#owners.get(name) ?? [];
  }

  /** Index of an upstream's item by its own name. */
  find(server: string, name: string): number | undefined {
    return this.canonical.get(canonicalName({ server, name }));
  }
}

interface ScopeRules {
  /** No prefixes: one upstream, in its own spelling. */
  readonly bare: boolean;
  /** Whether an item belongs to the endpoint. */
  readonly includes: (ref: ObjectRef) => boolean;
  /** Whether resources of this upstream belong to it that nobody listed. */
  readonly whole: (server: string) => boolean;
}

/** What lies behind an endpoint in one catalogue generation, whoever asks. */
export class EndpointScope {
  readonly bare: boolean;
  readonly lists: Readonly<Record<ListKind, ScopeList>>;
  readonly #rules: ScopeRules;
  readonly #byPrefix: ReadonlyMap<string, ServerEntry>;
  readonly #tables = new Lru<string, NameTable>(MAX_TABLES * LIST_KINDS.length);

  constructor(
    readonly entries: readonly ServerEntry[],
    rules: ScopeRules,
  ) {
    this.bare = rules.bare;
    this.#rules = rules;
    const lists = {} as Record<ListKind, ScopeList>;
    for (const kind of LIST_KINDS) lists[kind] = new ScopeList(this.#collect(kind));
    this.lists = lists;
    // Names second: a prefix that equals another upstream's name wins, as it does in tool names.
    const byPrefix = new Map(entries.toReversed().map((entry) => [entry.prefix, entry]));
    for (const entry of entries) if (!byPrefix.has(entry.name)) byPrefix.set(entry.name, entry);
    this.#byPrefix = byPrefix;
  }

  /** The upstream that a URI in exposed form names, by its prefix or else its name. */
  byPrefix(prefix: string): ServerEntry | undefined {
    return this.#byPrefix.get(prefix);
  }

  /** Whether a resource that is in no list may be asked for here. */
  admits(ref: ObjectRef): boolean {
    return this.#rules.whole(ref.server) && this.#rules.includes(ref);
  }

  whole(server: string): boolean {
    return this.#rules.whole(server);
  }

  /** How the items of one kind are called for clients of this spelling. */
  names(kind: ListKind, spelling: Spelling): NameTable {
    const key = `${kind} ${spelling.maxLength} ${spelling.separator}`;
    return remembered(this.#tables, key, () => new NameTable(kind, this.lists[kind].items, this.bare, spelling));
  }

  #collect(kind: ListKind): ScopeItem[] {
    const items: ScopeItem[] = [];
    for (const entry of this.entries) {
      for (const [position, item] of entry.lists[kind].items.entries()) {
        if (this.#rules.includes(item.ref)) items.push({ entry, position, item });
      }
    }
    return items;
  }
}

export function aggregateScope(entries: readonly ServerEntry[]): EndpointScope {
  return new EndpointScope(entries, { bare: false, includes: () => true, whole: () => true });
}

export function serverScope(entry: ServerEntry | undefined): EndpointScope {
  return new EndpointScope(entry ? [entry] : [], { bare: true, includes: () => true, whole: () => true });
}

/**
 * Tools and prompts by pattern. Resources have no place of their own in a toolset's patterns, so an upstream brings
 * them only when it is included as a whole (`server:*`); exclusions apply to them like to everything else.
 */
export function toolsetScope(entries: readonly ServerEntry[], toolset: CatalogueToolset): EndpointScope {
  const selects = compileSelection(toolset.include, toolset.exclude);
  const wholes = toolset.include.filter((pattern) => pattern === '*' || pattern.endsWith(':*')).map(wholeServer);
  const unwanted = toolset.exclude.map(compileGlob);
  const whole = (server: string) =>
    wholes.some((matches) => matches(server)) && !unwanted.some((matches) => matches(`${server}:*`));
  const includes = (ref: ObjectRef) => {
    if (!selects(canonicalName(ref))) return false;
    return ref.kind === 'tool' || ref.kind === 'prompt' || whole(ref.server);
  };
  return new EndpointScope(
    entries.filter(
      (entry) =>
        whole(entry.name) || LIST_KINDS.some((kind) => entry.lists[kind].items.some(({ ref }) => includes(ref))),
    ),
    { bare: false, includes, whole },
  );
}

function wholeServer(pattern: string): (server: string) => boolean {
  return pattern === '*' ? () => true : compileGlob(pattern.slice(0, -2));
}
