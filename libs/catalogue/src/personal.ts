import { Lru } from '#libs/kernel';
import { LIST_KINDS, type Listing } from '#libs/mcp';
import { Catalogue } from './catalogue.js';
import { type Change, changesBetween } from './changes.js';
import { buildEntry } from './entry.js';
import { type Intake, ingest } from './ingest/ingest.js';
import type { ItemLimits } from './ingest/item-limits.js';

/** Bytes of items kept for callers of their own; whoever has not been here longest is forgotten first. */
const MEMORY = 64 * 1024 * 1024;

interface Own {
  readonly intakes: ReadonlyMap<string, Intake>;
  /** Changes with the intakes. */
  readonly version: number;
  built: { readonly of: Catalogue; readonly catalogue: Catalogue } | undefined;
}

/**
 * What upstreams without a credential of the gateway's own list to single callers: laid over the generation in force, for
 * that caller alone. Nothing of it is ever in another caller's view, not even an item that looks the same.
 */
export class PersonalCatalogues {
  readonly #owners = new Lru<string, Own>(MEMORY, weigh);
  #versions = 0;

  /** Takes what a caller was listed. Undefined when nothing changed for it. */
  publish(owner: string, listing: Listing, current: Catalogue, limits: ItemLimits): Change | undefined {
    const own = this.#owners.get(owner);
    const previous = own?.intakes.get(listing.server);
    const intake = ingest(listing, previous, limits);
    if (intake === previous) return undefined;
    return this.#change(owner, current, new Map(own?.intakes).set(listing.server, intake));
  }

  /** Forgets what one caller, or everybody, was listed by a server. */
  withdraw(server: string, owner: string | undefined, current: Catalogue): Change | undefined {
    const kinds = new Set<Change['kinds'][number]>();
    let found = false;
    for (const one of owner === undefined ? this.#owners.keys() : [owner]) {
      const own = this.#owners.get(one);
      if (!own?.intakes.has(server)) continue;
      found = true;
      const left = new Map(own.intakes);
      left.delete(server);
      for (const kind of this.#change(one, current, left)?.kinds ?? []) kinds.add(kind);
    }
    return found ? { kinds: LIST_KINDS.filter((kind) => kinds.has(kind)), servers: [server] } : undefined;
  }

  /** The generation in force with what is this caller's alone; the very same where there is nothing. */
  of(owner: string, current: Catalogue): Catalogue {
    const own = this.#owners.get(owner);
    if (!own || own.intakes.size === 0) return current;
    if (own.built?.of !== current) own.built = { of: current, catalogue: build(own, current) };
    return own.built.catalogue;
  }

  /** Changes when a caller's own lists do. */
  versionOf(owner: string): number {
    return this.#owners.get(owner)?.version ?? 0;
  }

  #change(owner: string, current: Catalogue, intakes: ReadonlyMap<string, Intake>): Change | undefined {
    const before = this.of(owner, current);
    const own: Own = { intakes, version: ++this.#versions, built: this.#owners.get(owner)?.built };
    this.#owners.set(owner, own);
    own.built = { of: current, catalogue: build(own, current) };
    return changesBetween(before, own.built.catalogue);
  }
}

function build({ built, intakes }: Own, current: Catalogue): Catalogue {
  const { generation, settings } = current;
  const entries = settings.servers.flatMap((server) => {
    const intake = intakes.get(server.name);
    if (intake) return buildEntry(server, intake, built?.catalogue.server(server.name));
    return current.server(server.name) ?? [];
  });
  return new Catalogue(generation, entries, settings);
}

function weigh({ intakes }: Own): number {
  let bytes = 1_024;
  for (const { lists } of intakes.values()) {
    for (const kind of LIST_KINDS) for (const { raw } of lists[kind].items) bytes += raw.length + 256;
  }
  return bytes;
}
