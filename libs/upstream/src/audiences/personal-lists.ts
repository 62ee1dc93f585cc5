import { type Log, Lru, messageOf, type Principal } from '#libs/kernel';
import { LIST_KINDS, type Listing } from '#libs/mcp';
import type { Slot } from '../pool/slot.js';
import { discover, type ListLimits } from '../supervisor/discovery.js';

/** Callers whose lists are kept, per upstream. */
const MAX_OWNERS = 1_000;
/** Milliseconds after which lists that could not be fetched are asked for again. */
const COOL_DOWN = 5_000;

export interface PersonalListsOptions {
  readonly server: string;
  readonly log: Log;
  /** Milliseconds one list may take. */
  readonly timeout: number;
  /** Anonymous callers are one person. */
  sharedAnonymous(): boolean;
  /** `interval`: milliseconds for which lists are taken to be what they were. */
  discovery(): ListLimits & { readonly interval: number };
  /** A caller was listed this. */
  found(owner: string, listing: Listing): void;
  /** There is no more room for this caller's lists. */
  forgotten(owner: string): void;
}

interface Owner {
  readonly key: string;
  listing: Listing | undefined;
  /** Milliseconds, monotonic. */
  due: number;
  asking: Promise<void> | undefined;
}

/**
 * Lists of an upstream where the gateway has no credential of its own: what each caller's own session is offered, for that
 * caller alone.
 */
export class PersonalLists {
  readonly #options: PersonalListsOptions;
  readonly #owners = new Lru<string, Owner>(MAX_OWNERS);
  #latest: Listing | undefined;

  constructor(options: PersonalListsOptions) {
    this.#options = options;
  }

  /** What kind of server it is, by its last session; nothing that was somebody's own. */
  get outline(): Listing | undefined {
    if (!this.#latest) return undefined;
    const { instructions: _, freshness: __, ...outline } = this.#latest;
    return { ...outline, items: { tools: [], prompts: [], resources: [], templates: [] } };
  }

  /** Whether this caller's lists are there, be they as of late or not. */
  has(principal: Principal): boolean {
    return this.#owners.get(principal.key)?.listing !== undefined;
  }

  /** Whether there is nothing to ask for this caller now: its lists are fresh, failed a moment ago, or cannot be kept. */
  knows(principal: Principal): boolean {
    if (this.#isStranger(principal)) return true;
    const known = this.#owners.get(principal.key);
    return known !== undefined && performance.now() < known.due;
  }

  /** A session of this caller is open: its lists are fetched, unless they are fresh. Never rejects. */
  opened(slot: Slot): Promise<void> | undefined {
    const owner = this.#ownerOf(slot);
    if (!owner || performance.now() < owner.due) return undefined;
    owner.asking ??= this.#ask(owner, slot).finally(() => {
      owner.asking = undefined;
    });
    return owner.asking;
  }

  /** The upstream says that its lists changed for whoever this session belongs to. */
  changed(slot: Slot): void {
    const owner = this.#ownerOf(slot);
    if (owner) owner.due = 0;
    void this.opened(slot);
  }

  #ownerOf(slot: Slot): Owner | undefined {
    const { personal } = slot.group.spec;
    if (!personal || this.#isStranger(personal.principal)) return undefined;
    const { key } = personal.principal;
    let owner = this.#owners.get(key);
    if (!owner) {
      owner = { key, listing: undefined, due: 0, asking: undefined };
      for (const { key: gone } of this.#owners.set(key, owner)) this.#options.forgotten(gone);
    }
    return owner;
  }

  /** Somebody without a name is nobody whose lists could be kept. */
  #isStranger({ anonymous }: Principal): boolean {
    return anonymous && !this.#options.sharedAnonymous();
  }

  async #ask(owner: Owner, slot: Slot): Promise<void> {
    const { discovery, found, log, server, timeout } = this.#options;
    const limits = discovery();
    try {
      const { listing } = await discover(server, slot.session, LIST_KINDS, owner.listing, { timeout, limits });
      owner.listing = listing;
      owner.due = performance.now() + limits.interval;
      this.#latest = listing;
      found(owner.key, listing);
    } catch (thrown) {
      owner.due = performance.now() + COOL_DOWN;
      log.debug({ upstream: server, cause: messageOf(thrown) }, `${server} did not list for a caller`);
    }
  }
}
