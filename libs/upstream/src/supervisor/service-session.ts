import { GatewayError, toGatewayError } from '#libs/kernel';
import type { ListKind } from '#libs/mcp';
import type { Slot } from '../pool/slot.js';
import type { ColdStartGate } from './cold-start-gate.js';
import { discover } from './discovery.js';
import type { PublishedListing } from './published-listing.js';
import { ServiceWatch, type WatchSettings } from './service-watch.js';

export interface ServicePort {
  readonly server: string;
  /** Milliseconds one list request may take. */
  readonly timeout: number;
  readonly gate: ColdStartGate;
  settings(): WatchSettings;
  /** Opens the service session, or returns the one that lives. */
  service(): Promise<Slot>;
  discard(slot: Slot, cause: GatewayError): void;
  /** Gives a session no new calls, and closes it with its last one. */
  retire(slot: Slot): void;
}

/** What the supervisor is told of the session while it lives. */
export interface ServiceNews {
  /** Lists were looked at, and published where they are new. */
  looked(): void;
  /** A ping went unanswered, or answers came again. */
  wavering(): void;
}

/** An upstream's service session: connected, listed and watched until it is of no use, then let go of, again and again. */
export class ServiceSession {
  readonly #port: ServicePort;
  readonly #lists: PublishedListing;
  readonly #news: ServiceNews;
  #slot: Slot | undefined;
  #watch: ServiceWatch | undefined;
  #wavering: string | undefined;
  #stopped = false;
  #wake: () => void = () => {};

  constructor(port: ServicePort, lists: PublishedListing, news: ServiceNews) {
    this.#port = port;
    this.#lists = lists;
    this.#news = news;
  }

  /** Why it may be lost soon. */
  get wavering(): string | undefined {
    return this.#wavering;
  }

  /** There is one, listed or about to be. */
  get watched(): boolean {
    return this.#watch !== undefined;
  }

  /** Resolves with the cause once the connected session is of no use. */
  get lost(): Promise<GatewayError> {
    return this.#watch!.lost;
  }

  isOn(slot: Slot): boolean {
    return slot === this.#slot;
  }

  /** Connects and lists. Returns the failure, or undefined when the upstream serves. */
  async connect(): Promise<GatewayError | undefined> {
    const { gate, server, settings } = this.#port;
    try {
      this.#slot = await this.#orStopped(gate.run(async () => (this.#stopped ? undefined : this.#port.service())));
      if (!this.#slot || this.#stopped) return this.#stopping();
      const { session } = this.#slot;
      if (session.lost) throw new GatewayError('UPSTREAM_DISCONNECTED', `${server} ended the session at once`);
      this.#wavering = undefined;
      this.#watch = new ServiceWatch(session, {
        server,
        settings,
        relist: (kinds) => this.#relist(kinds),
        fresh: (kind) => this.#lists.fresh(kind),
        wavering: (reason) => {
          this.#wavering = reason;
          this.#news.wavering();
        },
      });
      await this.#orStopped(this.#watch.start());
      return undefined;
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (this.#stopped) return error;
      this.#watch?.stop();
      this.discard(error);
      return error;
    }
  }

  listChanged(kinds: readonly ListKind[]): void {
    this.#watch?.listChanged(kinds);
  }

  /** Looks at once whether it still answers. */
  check(): void {
    this.#watch?.check();
  }

  /** It is of no use any more: `lost` says so. */
  end(cause: GatewayError): void {
    this.#watch?.end(cause);
  }

  /** Lets go of it; whoever calls on it fails. */
  discard(cause: GatewayError): void {
    const slot = this.#part();
    if (slot) this.#port.discard(slot, cause);
  }

  /** Lets go of it; calls on it go on. */
  retire(): void {
    const slot = this.#part();
    if (slot) this.#port.retire(slot);
  }

  /** Connects and lists no more. Calls may still run on the session: who stops this closes it. */
  stop(): void {
    this.#stopped = true;
    this.#watch?.end(this.#stopping());
    this.#wake();
  }

  #part(): Slot | undefined {
    const slot = this.#slot;
    this.#slot = undefined;
    this.#watch = undefined;
    return slot;
  }

  /** Waits for the task, but not when it is stopped meanwhile. */
  #orStopped<T>(task: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(undefined);
      task.then(resolve, reject);
    });
  }

  /** Returns the lists that failed. */
  async #relist(kinds: readonly ListKind[]): Promise<readonly ListKind[]> {
    const { server, settings, timeout } = this.#port;
    const slot = this.#slot;
    if (!slot) return [];
    const options = { timeout, limits: settings().discovery };
    const found = await discover(server, slot.session, kinds, this.#lists.current, options);
    if (this.#stopped || slot !== this.#slot) return [];
    const failed = this.#lists.found(kinds, found);
    this.#news.looked();
    return failed;
  }

  #stopping(): GatewayError {
    return new GatewayError('UPSTREAM_REMOVED', `${this.#port.server} is no longer configured or the gateway stops`);
  }
}
