import { createHash } from 'node:crypto';
import { type Endpoint, type Era, endpointPath, type Spelling } from '#libs/kernel';
import { LIST_KINDS, LIST_METHODS, type ListKind } from '#libs/mcp';
import type { Catalogue } from '../catalogue.js';
import { contributes, type ServerEntry } from '../entry.js';
import { DIGEST_BYTES } from '../ingest/ingest.js';
import { type CursorPlace, nameKey } from './cursor.js';
import type { ListCache, Page } from './list-cache.js';
import type { NameTable } from './name-table.js';
import type { EndpointScope } from './scope.js';
import type { ScopeItem } from './scope-item.js';

export interface PageLimits {
  readonly pageItems: number;
  readonly pageBytes: number;
}

export interface ViewParts {
  readonly catalogue: Catalogue;
  readonly scope: EndpointScope;
  readonly endpoint: Endpoint;
  readonly spelling: Spelling;
  readonly era: Era;
  /** One bit per item of the scope; taken over and changed. */
  readonly bitmaps: Readonly<Record<ListKind, Uint8Array>>;
  /** Whether the caller would see whatever an upstream had of one kind: then it is in the view with nothing to show. */
  readonly seesAllOf: (server: string) => boolean;
}

/** What all callers with the same decisions share. Holds no caller. */
export class ViewCore {
  readonly key: string;
  readonly servers: readonly string[];
  readonly #parts: ViewParts;
  readonly #tables: Readonly<Record<ListKind, NameTable>>;
  readonly #fingerprints: Readonly<Record<ListKind, string>>;
  readonly #unfiltered: ReadonlySet<ListKind>;
  /** Of each list, made when first asked for. */
  readonly #contributors = new Map<ListKind, readonly ServerEntry[] | undefined>();
  /** Indexes of the visible items, in order: the n-th is the n-th of the client's list. */
  readonly #visible: Readonly<Record<ListKind, Uint32Array>>;

  constructor(parts: ViewParts) {
    this.#parts = parts;
    const { scope, endpoint, spelling, bitmaps, era } = parts;
    const unfiltered = new Set<ListKind>();
    const tables = {} as Record<ListKind, NameTable>;
    const fingerprints = {} as Record<ListKind, string>;
    const visible = {} as Record<ListKind, Uint32Array>;
    for (const kind of LIST_KINDS) {
      tables[kind] = scope.names(kind, spelling);
      const bits = bitmaps[kind];
      if (!bits.includes(0)) unfiltered.add(kind);
      for (let i = 0; i < bits.length; i++) if (tables[kind].lost(i)) bits[i] = 0;
      visible[kind] = indexesOf(bits);
      fingerprints[kind] = fingerprint(kind, scope, visible[kind], spelling, era);
    }
    this.#visible = visible;
    this.#unfiltered = unfiltered;
    this.#tables = tables;
    this.#fingerprints = fingerprints;
    this.servers = this.#visibleServers();
    const identity = [endpointPath(endpoint), spelling.maxLength, spelling.separator, this.servers, fingerprints];
    this.key = createHash('sha256').update(JSON.stringify(identity)).digest('base64url').slice(0, 22);
  }

  get generation(): number {
    return this.#parts.catalogue.generation;
  }

  get catalogue(): Catalogue {
    return this.#parts.catalogue;
  }

  get scope(): EndpointScope {
    return this.#parts.scope;
  }

  /** Rough memory held, for bounded caches. */
  get weight(): number {
    return LIST_KINDS.reduce(
      (sum, kind) => sum + this.#parts.bitmaps[kind].length + this.#visible[kind].byteLength,
      512,
    );
  }

  fingerprint(kind: ListKind): string {
    return this.#fingerprints[kind];
  }

  /** Whether everything behind the endpoint is in this list, so that no caller can see more. */
  unfiltered(kind: ListKind): boolean {
    return this.#unfiltered.has(kind);
  }

  /** The upstreams behind a list. Undefined when one is configured that is not there (yet). */
  contributors(kind: ListKind): readonly ServerEntry[] | undefined {
    if (!this.#contributors.has(kind)) this.#contributors.set(kind, this.#findContributors(kind));
    return this.#contributors.get(kind);
  }

  #findContributors(kind: ListKind): readonly ServerEntry[] | undefined {
    const { catalogue, scope, endpoint } = this.#parts;
    const expected = endpoint.kind === 'server' ? 1 : catalogue.settings.servers.length;
    const present = endpoint.kind === 'server' ? scope.entries.length : catalogue.entries.length;
    if (present < expected) return undefined;
    return scope.entries.filter((entry) => this.servers.includes(entry.name) && contributes(entry, kind));
  }

  visible(kind: ListKind, index: number | undefined): ScopeItem | undefined {
    if (index === undefined || this.#parts.bitmaps[kind][index] !== 1) return undefined;
    return this.scope.lists[kind].items[index];
  }

  /**
   * By name: the exposed name of this spelling, then behind one upstream its own name, then the canonical name. Names that
   * were not given by the operator cannot mean two things behind one upstream: there an own name is exposed as it is.
   */
  named(kind: ListKind, name: string): ScopeItem | undefined {
    return (
      this.exposed(kind, name) ??
      (this.scope.bare ? this.visible(kind, this.#ownName(kind, name)) : undefined) ??
      this.visible(kind, this.scope.lists[kind].canonical.get(name))
    );
  }

  /** What a name would mean if everything were visible. */
  meant(kind: ListKind, name: string): ScopeItem | undefined {
    const index =
      this.#tables[kind].find(name) ??
      (this.scope.bare ? this.#ownName(kind, name) : undefined) ??
      this.scope.lists[kind].canonical.get(name);
    return index === undefined ? undefined : this.scope.lists[kind].items[index];
  }

  exposed(kind: ListKind, name: string): ScopeItem | undefined {
    return this.visible(kind, this.#tables[kind].find(name));
  }

  /** The page that starts with the n-th visible item, counted from 0. A cache keeps pages of the same limits only. */
  page(kind: ListKind, start: number, cache: ListCache, limits: PageLimits): Page {
    const first = this.#fingerprints[kind];
    const key = start === 0 ? first : `${first} ${start}`;
    return cache.page(key, () => this.#buildPage(kind, start, cache, limits));
  }

  /** Where the n-th visible item stands, for a cursor. */
  placeOf(kind: ListKind, nth: number): CursorPlace {
    const { entry, item, position } = this.scope.lists[kind].items[this.#visible[kind][nth]!]!;
    return {
      server: entry.name,
      name: nameKey(item.ref.name),
      position,
      order: this.catalogue.orderOf(entry.name),
    };
  }

  /** Which visible item of today's list comes first behind a place; their number when none does. */
  resume(kind: ListKind, place: CursorPlace): number {
    const { items } = this.scope.lists[kind];
    const entry = this.scope.entries.find(({ name }) => name === place.server);
    const order = entry ? this.catalogue.orderOf(entry.name) : place.order;
    const after = entry ? positionAfter(entry.lists[kind].items, place) : 0;
    const behind = (scoped: ScopeItem) => {
      if (scoped.entry === entry) return scoped.position >= after;
      const other = this.catalogue.orderOf(scoped.entry.name);
      return entry ? other > order : other >= order;
    };
    const visible = this.#visible[kind];
    const nth = visible.findIndex((index) => behind(items[index]!));
    return nth < 0 ? visible.length : nth;
  }

  #ownName(kind: ListKind, name: string): number | undefined {
    const entry = this.scope.entries[0];
    return entry && this.scope.lists[kind].find(entry.name, name);
  }

  #visibleServers(): readonly string[] {
    const seen = new Set<string>();
    for (const kind of LIST_KINDS) {
      const { items } = this.scope.lists[kind];
      for (const index of this.#visible[kind]) seen.add(items[index]!.entry.name);
    }
    const inView = (name: string) => seen.has(name) || (this.scope.whole(name) && this.#parts.seesAllOf(name));
    return this.scope.entries.map(({ name }) => name).filter(inView);
  }

  #buildPage(kind: ListKind, start: number, cache: ListCache, { pageItems, pageBytes }: PageLimits): Page {
    const { scope, spelling, era } = this.#parts;
    const { items } = scope.lists[kind];
    const visible = this.#visible[kind];
    const encode = cache.encoder(kind, scope.bare, spelling, era);
    const parts: Buffer[] = [Buffer.from(`{${JSON.stringify(LIST_METHODS[kind].member)}:[`)];
    let bytes = 0;
    for (let nth = start; nth < visible.length; nth++) {
      if (nth > start) {
        if (nth - start >= pageItems || bytes >= pageBytes) return { bytes: Buffer.concat(parts), last: nth - 1 };
        parts.push(COMMA);
      }
      const encoded = encode(items[visible[nth]!]!);
      parts.push(encoded);
      bytes += encoded.length;
    }
    parts.push(END);
    return { bytes: Buffer.concat(parts) };
  }
}

const COMMA = Buffer.from(',');
const END = Buffer.from(']}');

function positionAfter(items: readonly { readonly ref: { readonly name: string } }[], place: CursorPlace): number {
  const at = (position: number) => {
    const item = items[position];
    return item !== undefined && nameKey(item.ref.name).equals(place.name);
  };
  if (at(place.position)) return place.position + 1;
  const moved = items.findIndex((_, position) => at(position));
  // Gone: what followed it has moved into its place.
  return moved < 0 ? Math.min(place.position, items.length) : moved + 1;
}

function indexesOf(bits: Uint8Array): Uint32Array {
  const indexes = new Uint32Array(bits.reduce((sum, bit) => sum + bit, 0));
  let used = 0;
  for (let index = 0; index < bits.length; index++) if (bits[index] === 1) indexes[used++] = index;
  return indexes;
}

/** A hash of what a list shows: of the visible items' bytes and of what decides how they are spelled. */
function fingerprint(
  kind: ListKind,
  { lists, bare }: EndpointScope,
  visible: Uint32Array,
  spelling: Spelling,
  era: Era,
): string {
  const named = kind === 'tools' || kind === 'prompts';
  const spelled = [named && !bare && spelling.separator, named && spelling.maxLength];
  const { items } = lists[kind];
  const wraps = era === 'legacy' && visible.some((index) => items[index]!.item.wrapsOutput);
  const hash = createHash('sha256').update(JSON.stringify([kind, bare, wraps, ...spelled]));
  const digests = Buffer.allocUnsafe(visible.length * DIGEST_BYTES);
  let used = 0;
  let server: string | undefined;
  const flush = () => {
    hash.update(digests.subarray(0, used));
    used = 0;
  };
  for (const index of visible) {
    const { entry, item } = items[index]!;
    if (entry.name !== server) {
      flush();
      hash.update(JSON.stringify([entry.name, entry.prefix]));
      server = entry.name;
    }
    used += item.digest.copy(digests, used);
  }
  flush();
  return hash.digest('base64url').slice(0, 22);
}
