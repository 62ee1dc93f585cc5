import { Injectable, Optional } from '@nestjs/common';
import { Emitter, endpointPath, Lru, type ObjectRef, type Principal, SILENT } from '#libs/kernel';
import { LIST_KINDS, type Listing, type ListKind } from '#libs/mcp';
import { Decide, type Decision, GatewayLog } from '#libs/plugin';
import { Catalogue } from './catalogue.js';
import { type Change, changesBetween } from './changes.js';
import type { Quarantined, View, ViewRequest } from './contract.js';
import { buildEntry, type ServerEntry } from './entry.js';
import { Freshnesses } from './freshnesses.js';
import { HandedOut } from './handed-out.js';
import { type Intake, ingest, OBJECT_KINDS } from './ingest/ingest.js';
import { ITEM_LIMITS, type ItemLimits } from './ingest/item-limits.js';
import { PersonalCatalogues } from './personal.js';
import { CatalogueOptions, type CatalogueSettings } from './settings.js';
import { CallerView, type ViewDesk } from './views/caller-view.js';
import { CursorSeal } from './views/cursor.js';
import { Decisions } from './views/decisions.js';
import { ListCache } from './views/list-cache.js';
import { ViewCore } from './views/view-core.js';

/** Bytes of remembered views per generation; a view is a few bytes per item. */
const VIEW_MEMORY = 16 * 1024 * 1024;

/** Lines one list may add to the log at a time; the status page has them all. */
const MAX_COMPLAINTS = 20;

export interface CatalogueEvents {
  /** A new generation is in place. `kinds` and `servers` say where something differs; the views say for whom. */
  changed: { readonly generation: number; readonly kinds: readonly ListKind[]; readonly servers: readonly string[] };
  /** Something of an upstream was cut or left out for its size; `key` is the limit's place in the configuration. */
  limited: { readonly key: string };
}

interface Remembered {
  readonly policyVersion: number;
  readonly view: CallerView;
  readonly weight: number;
}

/** The snapshot of everything upstreams offer, and the views of it. Swapped whole; readers keep the one they have. */
@Injectable()
export class CatalogueService {
  /** Emitted once per publish, withdraw, configure or change of policy that changed something. */
  readonly changes: Emitter<CatalogueEvents>;
  readonly #intakes = new Map<string, Intake>();
  readonly #personal = new PersonalCatalogues();
  readonly #desk: ViewDesk;
  #itemLimits: ItemLimits = ITEM_LIMITS;
  #current: Catalogue;
  #views = rememberedViews();
  #cores = new Lru<string, ViewCore>(VIEW_MEMORY, (core) => core.weight);

  constructor(
    decide: Decide,
    @Optional() options: CatalogueOptions = new CatalogueOptions(),
    @Optional() private readonly log: GatewayLog = SILENT,
  ) {
    this.changes = new Emitter((err) => log.error({ err }, 'a listener to catalogue changes failed'));
    this.#current = new Catalogue(0, [], { servers: [], toolsets: [] });
    this.#desk = {
      cache: new ListCache(options.listCacheBytes),
      seal: new CursorSeal(options.cursorKey, options.cursorLifetime, options.now),
      decisions: new Decisions(decide),
      handedOut: new HandedOut(),
      freshnesses: new Freshnesses(options.now),
      limits: { pageItems: options.pageItems, pageBytes: options.pageBytes },
    };
    this.#desk.decisions.onChange(() => this.#policyChanged());
  }

  /** The generation in force. */
  get current(): Catalogue {
    return this.#current;
  }

  /**
   * Takes a new configuration. Listings of servers that are no longer in it are forgotten. True when items are held to other
   * limits from now on: what is here was held to the old ones, so it has to be published again.
   */
  configure(settings: CatalogueSettings): boolean {
    const { servers, listCacheBytes, itemLimits = this.#itemLimits } = settings;
    if (listCacheBytes !== undefined) this.#desk.cache.resize(listCacheBytes);
    const anew = !sameLimits(itemLimits, this.#itemLimits);
    if (anew) this.#itemLimits = itemLimits;
    const kept = new Set(servers.map(({ name }) => name));
    for (const { name } of this.#current.settings.servers) if (!kept.has(name)) this.#forget(name);
    this.#rebuild(settings);
    return anew;
  }

  /**
   * Takes an upstream's fresh lists. A listing that comes before its server is configured waits until it is.
   * Bad items are quarantined one by one; nothing here throws because of what an upstream said.
   */
  publish(listing: Listing): void {
    this.#desk.freshnesses.note(listing);
    const previous = this.#intakes.get(listing.server);
    const intake = ingest(listing, previous, this.#itemLimits);
    if (intake === previous) return;
    this.#intakes.set(listing.server, intake);
    this.#report(intake, previous);
    this.#rebuild(this.#current.settings);
  }

  /** Everything of this upstream vanishes from the lists. */
  withdraw(server: string): void {
    if (this.#forget(server)) this.#rebuild(this.#current.settings);
  }

  /** Takes what an upstream lists to one caller, in whose views alone it will be. */
  publishFor(owner: string, listing: Listing): void {
    this.#changedFor(this.#personal.publish(owner, listing, this.#current, this.#itemLimits));
  }

  /** Forgets what an upstream listed to one caller, or to each. */
  withdrawFor(server: string, owner: string | undefined): void {
    this.#changedFor(this.#personal.withdraw(server, owner, this.#current));
  }

  /** What this caller sees of the current generation. Cheap for a caller seen before. */
  view(request: ViewRequest): View {
    const { policyVersion } = this.#desk.decisions;
    const key = this.#requestKey(request);
    const remembered = this.#views.get(key);
    if (remembered?.policyVersion === policyVersion) return remembered.view;
    const core = this.#core(request);
    const view = new CallerView(core, this.#desk, request);
    this.#views.set(key, { policyVersion, view, weight: core.weight });
    return view;
  }

  /** Of today's permissions; see `Decide`. */
  get policyVersion(): number {
    return this.#desk.decisions.policyVersion;
  }

  /**
   * Whether this caller may know that a server exists: while it has not said what it offers, when it could be shown something
   * there; afterwards, when it is.
   */
  mayKnow(principal: Principal, server: string): boolean {
    const { decisions } = this.#desk;
    if (!decisions.knows(principal, server)) return false;
    const entry = this.#catalogueOf(principal).server(server);
    if (!entry || decisions.seesAllOf(principal, server)) return true;
    return LIST_KINDS.some((kind) => entry.lists[kind].items.some(({ ref }) => decisions.shows(principal, ref)));
  }

  /** Whether an upstream lists a resource that this caller may not know. */
  hidesResource(principal: Principal, server: string, uri: string): boolean {
    const isListed = this.#catalogueOf(principal).server(server)?.lists.resources.positions.has(uri) ?? false;
    return isListed && !this.#desk.decisions.shows(principal, { kind: 'resource', server, name: uri });
  }

  /** Today's decision, by the same port that views are made with: an error in it is a denial. */
  decide(principal: Principal, ref: ObjectRef): Decision {
    return this.#desk.decisions.decide(principal, ref);
  }

  /** Remembers that this caller got a URI of this server in a result, so that it may come back in arguments. */
  noteHandedOut(principalKey: string, server: string, uri: string): void {
    this.#desk.handedOut.note(principalKey, server, uri);
  }

  /** The generation in force with what is this caller's own. */
  #catalogueOf({ key }: Principal): Catalogue {
    return this.#personal.of(key, this.#current);
  }

  #forget(server: string): boolean {
    this.#desk.freshnesses.forget(server);
    return this.#intakes.delete(server);
  }

  #core({ principal, endpoint, spelling, capabilities = '', era = 'legacy' }: ViewRequest): ViewCore {
    const { decisions } = this.#desk;
    const catalogue = this.#catalogueOf(principal);
    const scope = catalogue.scope(endpoint);
    const bitmaps = decisions.bitmaps(principal, scope, capabilities);
    const seesAllOf = (server: string) => decisions.seesAllOf(principal, server);
    const core = new ViewCore({ catalogue, scope, endpoint, spelling, era, bitmaps, seesAllOf });
    // What is one caller's own is shared with nobody who happens to see the same.
    if (catalogue !== this.#current) return core;
    const shared = this.#cores.get(core.key);
    if (shared) return shared;
    this.#cores.set(core.key, core);
    return core;
  }

  #requestKey({ principal, endpoint, spelling, capabilities = '', era = 'legacy', key }: ViewRequest): string {
    const own = this.#personal.versionOf(principal.key);
    const audience = this.#desk.decisions.classOf(principal);
    if (key && key.own === own && key.audience === audience) return key.text;
    const caller = `${principal.key} ${own} ${audience}`;
    const text = `${endpointPath(endpoint)} ${spelling.maxLength} ${spelling.separator} ${era} ${capabilities} ${caller}`;
    if (key) Object.assign(key, { text, own, audience });
    return text;
  }

  #rebuild(settings: CatalogueSettings): void {
    const before = this.#current;
    const entries: ServerEntry[] = [];
    for (const server of settings.servers) {
      const intake = this.#intakes.get(server.name);
      if (!intake) continue;
      const previous = before.server(server.name);
      const entry = buildEntry(server, intake, previous);
      entries.push(entry);
      if (entry !== previous) this.#complain('is not shown as configured', entry.misfits, previous?.misfits);
    }
    const generation = before.generation + 1;
    const next = new Catalogue(generation, entries, settings);
    const change = changesBetween(before, next);
    if (!change) {
      // Same content under the new settings' order and prefixes of servers that list nothing yet.
      if (settings !== before.settings) this.#replace(new Catalogue(before.generation, entries, settings));
      return;
    }
    this.#replace(next);
    this.changes.emit('changed', { generation, ...change });
  }

  #changedFor(change: Change | undefined): void {
    if (change) this.changes.emit('changed', { generation: this.#current.generation, ...change });
  }

  /** Nothing upstreams offer is another; what callers see of it may be. */
  #policyChanged(): void {
    this.#replace(this.#current);
    this.changes.emit('changed', { generation: this.#current.generation, kinds: LIST_KINDS, servers: [] });
  }

  /** Each complaint once, not with every listing that repeats it. */
  #report(intake: Intake, previous: Intake | undefined): void {
    for (const kind of LIST_KINDS) {
      const list = intake.lists[kind];
      if (list === previous?.lists[kind]) continue;
      this.#complain('left out of the lists', list.quarantined, previous?.lists[kind].quarantined);
      this.#complain('mended', list.repaired, previous?.lists[kind].repaired);
    }
    for (const kind of LIST_KINDS) {
      const key = intake.listing.cut?.[kind];
      if (key !== undefined && key !== previous?.listing.cut?.[kind]) this.changes.emit('limited', { key });
    }
  }

  #complain(what: string, items: readonly Quarantined[], before: readonly Quarantined[] = []): void {
    const known = new Set(before.map(({ name, reason }) => `${name} ${reason}`));
    const fresh = items.filter(({ name, reason }) => !known.has(`${name} ${reason}`));
    for (const { limit } of fresh) if (limit !== undefined) this.changes.emit('limited', { key: limit });
    for (const { server, kind, name, reason } of fresh.slice(0, MAX_COMPLAINTS)) {
      this.log.warn(
        { server, kind, item: name, reason },
        `${server}: ${OBJECT_KINDS[kind]} '${name}' ${what}: ${reason}`,
      );
    }
  }

  #replace(catalogue: Catalogue): void {
    this.#current = catalogue;
    this.#views = rememberedViews();
    this.#cores = new Lru<string, ViewCore>(VIEW_MEMORY, (core) => core.weight);
  }
}

function rememberedViews(): Lru<string, Remembered> {
  return new Lru<string, Remembered>(VIEW_MEMORY, ({ weight }) => weight);
}

function sameLimits(a: ItemLimits, b: ItemLimits): boolean {
  return a.item === b.item && a.schema === b.schema && a.description === b.description;
}
