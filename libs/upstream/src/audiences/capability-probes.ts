import { type Log, messageOf } from '#libs/kernel';
import { LIST_KINDS, type Listing } from '#libs/mcp';
import type { Slot } from '../pool/slot.js';
import { discover, type ListLimits } from '../supervisor/discovery.js';
import { type Difference, differenceOf, withAudiences } from './difference.js';

/** Capability sets asked for per upstream; a client with any other is offered what one without capabilities is. */
const MAX_SETS = 16;
/** Milliseconds after which a set that could not be asked for is tried again. */
const COOL_DOWN = 60_000;

export interface ProbeOptions {
  readonly server: string;
  readonly log: Log;
  /** Milliseconds one list may take. */
  readonly timeout: number;
  limits(): ListLimits;
  /** Lists of the service session, which declares nothing. */
  base(): Listing | undefined;
  /** The lists changed. */
  found(listing: Listing): void;
}

/**
 * Learns what an upstream offers to clients that declare capabilities. Once per capability set: the first session that
 * declares it is asked for its lists. What it found outlives the session and is refreshed by the next one.
 */
export class CapabilityProbes {
  readonly #options: ProbeOptions;
  readonly #differences = new Map<string, Difference>();
  readonly #stale = new Set<string>();
  readonly #failed = new Map<string, number>();
  /** Sets being asked for. */
  readonly #asking = new Map<string, Promise<void>>();
  #combined: { base: Listing; listing: Listing } | undefined;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /** Whether a client with these capabilities can be told what there is for it, or cannot for now. */
  knows(capabilities: string): boolean {
    if (capabilities === '' || this.#differences.has(capabilities)) return true;
    return this.#differences.size >= MAX_SETS || performance.now() < (this.#failed.get(capabilities) ?? 0);
  }

  /** The lists for all capability sets together. */
  get listing(): Listing | undefined {
    const base = this.#options.base();
    if (!base) return undefined;
    if (this.#combined?.base !== base) this.#combined = { base, listing: withAudiences(base, this.#differences) };
    return this.#combined.listing;
  }

  /** The lists may have changed: every set is asked for again as soon as there is a session that declares it. */
  expire(): void {
    for (const key of this.#differences.keys()) this.#stale.add(key);
  }

  /**
   * Asks a session for its lists when its capability set is new or out of date. What a session under somebody's own
   * credential is offered is for nobody else. A promise only when something is asked; it never rejects.
   */
  opened(slot: Slot): Promise<void> | undefined {
    const { capabilities, personal } = slot.group.spec;
    const { key } = capabilities;
    if (personal || (this.knows(key) && !this.#stale.has(key))) return undefined;
    let asking = this.#asking.get(key);
    if (!asking) {
      asking = this.#ask(key, slot).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  async #ask(key: string, slot: Slot): Promise<void> {
    const { found, limits, log, server, timeout } = this.#options;
    const base = this.#options.base();
    if (!base || (!this.#differences.has(key) && this.#differences.size >= MAX_SETS)) return;
    // What changes from now on makes it out of date again.
    this.#stale.delete(key);
    try {
      const { listing } = await discover(server, slot.session, LIST_KINDS, base, { timeout, limits: limits() });
      const before = this.listing;
      this.#differences.set(key, differenceOf(base, listing));
      this.#failed.delete(key);
      this.#combined = undefined;
      const now = this.listing;
      if (now && now !== before) found(now);
    } catch (thrown) {
      if (this.#differences.has(key)) this.#stale.add(key);
      if (this.#failed.size >= MAX_SETS) this.#failed.clear();
      this.#failed.set(key, performance.now() + COOL_DOWN);
      const cause = messageOf(thrown);
      log.debug({ upstream: server, capabilities: key, cause }, `${server} did not list for clients with ${key}`);
    }
  }
}
