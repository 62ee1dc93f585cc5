import type { Freshness } from '#libs/kernel';
import type { Listing, ListKind } from '#libs/mcp';
import type { ServerEntry } from './entry.js';

/** Longest time a client is told to keep a list: what changes in the gateway itself shows within it. */
const MAX_TTL = 60_000;

/** What may not be kept at all. */
export const NOT_KEPT: Freshness = Object.freeze({ ttl: 0, scope: 'private' });

interface Arrival {
  readonly at: number;
  readonly freshness: NonNullable<Listing['freshness']>;
}

/**
 * How long upstreams let their lists be kept, counted from when they last came. No part of a generation: a list that
 * came again unchanged starts anew.
 */
export class Freshnesses {
  readonly #arrivals = new Map<string, Arrival>();

  constructor(private readonly now: () => number) {}

  note({ server, freshness = {} }: Listing): void {
    this.#arrivals.set(server, { at: this.now(), freshness });
  }

  forget(server: string): void {
    this.#arrivals.delete(server);
  }

  /** What holds for lists of all these upstreams together, less the time that has passed (M:cache). */
  least(entries: readonly ServerEntry[], kind: ListKind): Freshness {
    let ttl = MAX_TTL;
    let scope: Freshness['scope'] = 'public';
    for (const entry of entries) {
      const left = this.#left(entry, kind);
      ttl = Math.min(ttl, left.ttl);
      if (left.scope !== 'public') scope = 'private';
    }
    return { ttl, scope };
  }

  #left({ name, failed }: ServerEntry, kind: ListKind): Freshness {
    const arrival = this.#arrivals.get(name);
    const said = arrival?.freshness[kind];
    if (!arrival || !said) return NOT_KEPT;
    // A clock that was set back must not lengthen anything.
    const age = Math.max(0, this.now() - arrival.at);
    const left = failed[kind] === undefined ? said.ttl - age : 0;
    return { ttl: left > 0 ? Math.floor(left) : 0, scope: said.scope };
  }
}
