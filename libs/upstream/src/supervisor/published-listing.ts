import { LIST_KINDS, type Listing, type ListKind } from '#libs/mcp';
import { type Discovered, sameListing } from './discovery.js';

/** Longest time a list is not asked for again whatever the upstream says of it (milliseconds). */
const MAX_TTL = 3_600_000;

export interface Publisher {
  /** There is something new. */
  listed(listing: Listing): void;
  /** The upstream was down for longer than lists are kept. */
  withdrawn(): void;
}

/** What the service session found last: published where it says something new, and kept for a while when the upstream is down. */
export class PublishedListing {
  readonly #publisher: Publisher;
  #current: Listing | undefined;
  #published: boolean;
  /** When each list was fetched last (milliseconds, monotonic). */
  readonly #fetched = new Map<ListKind, number>();
  #complaints: readonly string[] = [];
  #grace: NodeJS.Timeout | undefined;

  /** `inherited`: lists of the same upstream under an earlier configuration, served until there are new ones. */
  constructor(publisher: Publisher, inherited?: Listing) {
    this.#publisher = publisher;
    this.#current = inherited;
    this.#published = inherited !== undefined;
  }

  get current(): Listing | undefined {
    return this.#current;
  }

  /** What is amiss with the lists. */
  get complaint(): string | undefined {
    return this.#complaints.length > 0 ? this.#complaints.join('; ') : undefined;
  }

  /** The upstream said how long this list may be kept, and that time is not over. */
  fresh(kind: ListKind): boolean {
    const ttl = Math.min(this.#current?.freshness?.[kind]?.ttl ?? 0, MAX_TTL);
    return performance.now() - (this.#fetched.get(kind) ?? Number.NEGATIVE_INFINITY) < ttl;
  }

  /** These lists were asked for. Returns those that failed. */
  found(kinds: readonly ListKind[], { complaints, listing }: Discovered): readonly ListKind[] {
    this.#complaints = complaints;
    for (const kind of kinds) if (listing.failed[kind] === undefined) this.#fetched.set(kind, performance.now());
    const news = !this.#published || !sameListing(this.#current, listing);
    // What is derived from the lists stays valid with them.
    if (news) this.#current = listing;
    this.#published = true;
    clearTimeout(this.#grace);
    this.#grace = undefined;
    if (news) this.#publisher.listed(listing);
    return LIST_KINDS.filter((kind) => listing.failed[kind] !== undefined);
  }

  /** The upstream is down: what is published stays for `grace` milliseconds. */
  expire(grace: number): void {
    if (!this.#published || this.#grace) return;
    this.#grace = setTimeout(() => {
      this.#published = false;
      this.#current = undefined;
      this.#publisher.withdrawn();
    }, grace);
    this.#grace.unref();
  }

  /** Nothing is withdrawn any more. */
  stop(): void {
    clearTimeout(this.#grace);
  }
}
