import type { Log, Principal } from '#libs/kernel';
import { LIST_KINDS, type Listing } from '#libs/mcp';
import { CapabilityProbes } from '../audiences/capability-probes.js';
import { PersonalLists } from '../audiences/personal-lists.js';
import type { UpstreamEvents } from '../contract.js';
import type { SessionSpec } from '../pool/session-spec.js';
import type { SessionGroup, Slot } from '../pool/slot.js';
import type { GatewaySettings } from './settings.js';

export interface ListsPort {
  readonly server: string;
  readonly log: Log;
  /** Milliseconds one list may take. */
  readonly timeout: number;
  /** The gateway has no credential of its own there: each caller is listed what is its alone. */
  readonly perCaller: boolean;
  settings(): GatewaySettings;
  /** Lists of the service session. */
  base(): Listing | undefined;
  emit<K extends 'listed' | 'listedFor' | 'withdrawnFor'>(name: K, event: UpstreamEvents[K]): void;
}

/** What one upstream offers: to everybody and by what clients declare, or to each caller alone. */
export class Lists {
  readonly #port: ListsPort;
  readonly #probes: CapabilityProbes;
  /** Set where each caller is listed what is its alone. */
  readonly #personal: PersonalLists | undefined;

  constructor(port: ListsPort) {
    const { base, emit, log, perCaller, server, settings, timeout } = port;
    this.#port = port;
    this.#probes = new CapabilityProbes({
      server,
      log,
      timeout,
      limits: () => settings().discovery,
      base,
      found: (listing) => emit('listed', listing),
    });
    if (!perCaller) return;
    this.#personal = new PersonalLists({
      server,
      log,
      timeout,
      sharedAnonymous: () => settings().sharedAnonymous,
      discovery: () => settings().discovery,
      found: (owner, listing) => emit('listedFor', { owner, listing }),
      forgotten: (owner) => emit('withdrawnFor', { server, owner }),
    });
  }

  get perCaller(): boolean {
    return this.#personal !== undefined;
  }

  get listing(): Listing | undefined {
    return this.#personal ? this.#personal.outline : this.#probes.listing;
  }

  get offersOneThing(): boolean {
    const items = this.listing?.items;
    return items !== undefined && LIST_KINDS.reduce((sum, kind) => sum + items[kind].length, 0) <= 1;
  }

  /** Whether what is this caller's alone has been listed; true where there is no such thing. */
  has(principal: Principal): boolean {
    return this.#personal?.has(principal) ?? true;
  }

  /** Whether these callers can be told what there is for them, or are told what everybody is. */
  knows({ capabilities, personal }: SessionSpec): boolean {
    if (this.#personal) return personal === undefined || this.#personal.knows(personal.principal);
    return personal !== undefined || this.#probes.knows(capabilities.key);
  }

  /** A session is there to be asked, where that has not been done: a promise then, which never rejects. */
  opened(slot: Slot): Promise<void> | undefined {
    return (this.#personal ?? this.#probes).opened(slot);
  }

  /** A call came through on this session: its caller's lists may be out of date. */
  served(slot: Slot): void {
    void this.#personal?.opened(slot);
  }

  /** A session of this group says that its lists changed. */
  changed({ slots: [first] }: SessionGroup): void {
    if (first) this.#personal?.changed(first);
  }

  /** The service session listed something new. */
  baseChanged(): void {
    const { listing } = this;
    if (listing) this.#port.emit('listed', listing);
  }

  /** What clients are offered by what they declare may have changed. */
  expire(): void {
    this.#probes.expire();
  }

  /** It changes when the service session's lists do, or without those. */
  renew(slots: Iterable<Slot>): void {
    this.expire();
    for (const slot of slots) void this.#probes.opened(slot);
  }
}
