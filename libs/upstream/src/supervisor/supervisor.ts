import { Backoff, type Exchange, GatewayError, type Log, toGatewayError } from '#libs/kernel';
import { LIST_KINDS, type Listing, type ListKind } from '#libs/mcp';
import type { UpstreamState } from '#libs/plugin';
import { diedEarly, TOLERATED } from '../pool/early-death.js';
import type { Slot } from '../pool/slot.js';
import type { ColdStartGate } from './cold-start-gate.js';
import { discover, sameListing } from './discovery.js';
import { ServiceWatch, type WatchSettings } from './service-watch.js';

/** Why a session ended that nobody used. */
const UNUSED = new GatewayError('UPSTREAM_DISCONNECTED', 'The gateway stopped this session, which nobody used');

/** Longest time a list is not asked for again whatever the upstream says of it (milliseconds). */
const MAX_TTL = 3_600_000;

export interface SupervisorSettings extends WatchSettings {
  /** Milliseconds a down upstream's lists stay. */
  readonly grace: number;
}

export interface SupervisorPort {
  readonly server: string;
  /** Milliseconds one list request may take. */
  readonly timeout: number;
  readonly gate: ColdStartGate;
  readonly log: Log;
  settings(): SupervisorSettings;
  /** Opens the service session, or returns the one that lives. */
  service(): Promise<Slot>;
  discard(slot: Slot, cause: GatewayError): void;
  /** Gives a session no new calls, and closes it with its last one. */
  retire(slot: Slot): void;
  /** It was silent for too long: connections that are kept may be dead. */
  unheard(): void;
  changed(): void;
  listed(listing: Listing): void;
  withdrawn(reason: string): void;
  /** It connects and lists: from now on calls go out again. */
  recovered(): void;
  /** Lists were looked at and the upstream is well: a good moment to renew what was lost, and to look at other lists. */
  tended(): void;
}

export interface Health {
  readonly state: UpstreamState;
  readonly reason: string | undefined;
  readonly since: number;
  readonly nextRetry: number | undefined;
  /** What the last failure was, while the upstream is down. */
  readonly cause: GatewayError | undefined;
}

/**
 * Keeps one upstream's service session alive for ever: connects, lists, watches, and after a failure tries again with
 * growing waits. It alone decides about health, from what happens to that session.
 */
export class Supervisor {
  /** Resolves at the first success or failure. */
  readonly settled: Promise<void>;
  readonly #port: SupervisorPort;
  #health: Health = {
    state: 'connecting',
    reason: undefined,
    since: Date.now(),
    nextRetry: undefined,
    cause: undefined,
  };
  #listing: Listing | undefined;
  /** When each list was fetched last (milliseconds, monotonic). */
  readonly #fetched = new Map<ListKind, number>();
  #published = false;
  #slot: Slot | undefined;
  #watch: ServiceWatch | undefined;
  #complaints: readonly string[] = [];
  #wavering: string | undefined;
  /** Waits after failures to connect in a row, and after early deaths in a row. */
  readonly #failures: Backoff;
  readonly #crashes: Backoff;
  #earlyDeaths = 0;
  /** Calls fail although the session answers: why, and how long to leave it alone. */
  #held: { readonly cause: GatewayError; readonly wait: number } | undefined;
  #stopped = false;
  #resting = false;
  #grace: NodeJS.Timeout | undefined;
  #endPause: (() => void) | undefined;
  #wake: () => void = () => {};
  #settle!: () => void;
  #running: Promise<void> | undefined;

  /** `inherited`: lists of the same upstream under an earlier configuration, served until there are new ones. */
  constructor(port: SupervisorPort, inherited?: Listing) {
    this.#port = port;
    this.#failures = new Backoff(() => port.settings().retry);
    this.#crashes = new Backoff(() => port.settings().retry);
    this.#listing = inherited;
    this.#published = inherited !== undefined;
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get health(): Health {
    return this.#health;
  }

  get listing(): Listing | undefined {
    return this.#listing;
  }

  /** Whether calls can be sent now. */
  get serving(): boolean {
    return serves(this.#health.state);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#grace);
    this.#watch?.end(this.#stopping());
    this.#wake();
    this.#endPause?.();
    this.#settle();
    await this.#running;
  }

  /** Waits, at most `limit` milliseconds, for the first connection to succeed or fail. */
  async awaitFirst(limit: number, exchange: Exchange): Promise<void> {
    if (this.#health.state !== 'connecting') return;
    let timer: NodeJS.Timeout | undefined;
    let unsubscribe: (() => void) | undefined;
    try {
      await Promise.race([
        this.settled,
        new Promise<void>((_, reject) => {
          unsubscribe = exchange.onAbort(reject);
        }),
        new Promise<void>((resolve) => {
          timer = setTimeout(resolve, limit);
        }),
      ]);
    } finally {
      clearTimeout(timer);
      unsubscribe?.();
    }
  }

  listChanged(kinds: readonly ListKind[]): void {
    if (this.#resting) this.wake();
    else this.#watch?.listChanged(kinds);
  }

  sessionLost(slot: Slot, cause: GatewayError): void {
    if (slot === this.#slot) this.#watch?.end(cause);
    else this.check();
  }

  /** Nobody uses the service session: it may end until somebody does. The upstream goes on serving, its lists stay. */
  rest(): void {
    if (this.serving && !this.#resting) this.#watch?.end(UNUSED);
  }

  /** Somebody needs the service session again. */
  wake(): void {
    if (this.#resting) this.#endPause?.();
  }

  /** Something failed elsewhere that may mean the upstream is down. */
  check(): void {
    if (this.#resting) this.wake();
    else this.#watch?.check();
  }

  /**
   * Calls fail although the service session answers. None go out for `wait()` milliseconds; then a new session has to connect
   * and list. Running calls go on. False when the upstream is down as it is.
   */
  hold(cause: GatewayError, wait: () => number): boolean {
    if (this.#stopped || !this.serving || !this.#watch || this.#held) return false;
    this.#held = { cause, wait: wait() };
    this.#watch.end(cause);
    return true;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const cause = await this.#connect();
      if (this.#stopped) return;
      if (cause) {
        await this.#down(cause, this.#failures.next());
        continue;
      }
      this.#failures.reset();
      const born = performance.now();
      const lost = await this.#watch!.lost;
      // Calls may still run on it: who stops the supervisor closes the sessions.
      if (this.#stopped) return;
      if (lost === UNUSED) {
        await this.#asleep();
        continue;
      }
      const held = this.#held;
      this.#held = undefined;
      if (held?.cause === lost) {
        const slot = this.#part();
        if (slot) this.#port.retire(slot);
        await this.#down(lost, held.wait);
        continue;
      }
      this.#leave(lost);
      const { retry } = this.#port.settings();
      if (diedEarly(performance.now() - born, retry)) {
        if (this.#earlyDeaths++ <= TOLERATED) this.#crashes.reset();
        await this.#down(lost, this.#crashes.next());
      } else {
        this.#earlyDeaths = 0;
        if (isSilence(lost)) this.#port.unheard();
        this.#set('degraded', `connection lost (${lost.message}); connecting again`, lost);
      }
    }
  }

  /** Connects and lists. Returns the failure, or undefined when the upstream serves. */
  async #connect(): Promise<GatewayError | undefined> {
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
        fresh: (kind) => {
          const ttl = Math.min(this.#listing?.freshness?.[kind]?.ttl ?? 0, MAX_TTL);
          return performance.now() - (this.#fetched.get(kind) ?? Number.NEGATIVE_INFINITY) < ttl;
        },
        wavering: (reason) => {
          this.#wavering = reason;
          this.#show();
        },
      });
      await this.#orStopped(this.#watch.start());
      return undefined;
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (this.#stopped) return error;
      this.#watch?.stop();
      this.#leave(error);
      return error;
    }
  }

  /** Waits for the task, but not when the supervisor is stopped meanwhile. */
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
    const previous = this.#listing;
    const { complaints, listing } = await discover(server, slot.session, kinds, previous, {
      timeout,
      limits: settings().discovery,
    });
    if (this.#stopped || slot !== this.#slot) return [];
    this.#complaints = complaints;
    for (const kind of kinds) if (listing.failed[kind] === undefined) this.#fetched.set(kind, performance.now());
    const news = !this.#published || !sameListing(previous, listing);
    // What is derived from the lists stays valid with them.
    if (news) this.#listing = listing;
    this.#published = true;
    clearTimeout(this.#grace);
    this.#grace = undefined;
    if (news) this.#port.listed(listing);
    this.#show();
    this.#settle();
    this.#port.tended();
    return LIST_KINDS.filter((kind) => listing.failed[kind] !== undefined);
  }

  /** Ready, or degraded with what is amiss. */
  #show(): void {
    const amiss = this.#wavering ?? (this.#complaints.length > 0 ? this.#complaints.join('; ') : undefined);
    this.#set(amiss === undefined ? 'ready' : 'degraded', amiss, undefined);
  }

  async #down(cause: GatewayError, delay: number): Promise<void> {
    if (isSilence(cause)) this.#port.unheard();
    const { grace } = this.#port.settings();
    this.#set('unreachable', cause.message, cause, Date.now() + delay);
    this.#settle();
    if (this.#published && !this.#grace) {
      this.#grace = setTimeout(() => {
        this.#published = false;
        this.#listing = undefined;
        this.#port.withdrawn(`unreachable for longer than proxy.grace: ${this.#health.reason ?? ''}`);
      }, grace);
      this.#grace.unref();
    }
    await this.#pause(delay);
  }

  async #asleep(): Promise<void> {
    const slot = this.#part();
    if (slot) this.#port.retire(slot);
    this.#earlyDeaths = 0;
    this.#resting = true;
    this.#set('ready', 'its process was stopped because nobody used it; the next call starts it', undefined);
    await this.#pause();
    this.#resting = false;
  }

  /** Until the time is over, for ever without one, or somebody ends it. */
  async #pause(delay?: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#endPause = undefined;
        resolve();
      };
      const timer = delay === undefined ? undefined : setTimeout(end, delay);
      this.#endPause = end;
    });
  }

  /** Ends the session, which is of no use. */
  #leave(cause: GatewayError): void {
    const slot = this.#part();
    if (slot) this.#port.discard(slot, cause);
  }

  #part(): Slot | undefined {
    const slot = this.#slot;
    this.#slot = undefined;
    this.#watch = undefined;
    return slot;
  }

  #set(state: UpstreamState, reason: string | undefined, cause: GatewayError | undefined, nextRetry?: number): void {
    const before = this.#health;
    const same = before.state === state && before.reason === reason;
    this.#health = { state, reason, cause, nextRetry, since: before.state === state ? before.since : Date.now() };
    if (!same) {
      const { log, server } = this.#port;
      const fields = { upstream: server, state, ...(cause ? { code: cause.code } : {}) };
      const text = `${server} is ${state}${reason === undefined ? '' : `: ${reason}`}`;
      if (state === 'ready') log.info(fields, text);
      else log.warn(fields, text);
    }
    if (serves(state) && !serves(before.state)) this.#port.recovered();
    this.#port.changed();
  }

  #stopping(): GatewayError {
    return new GatewayError('UPSTREAM_REMOVED', `${this.#port.server} is no longer configured or the gateway stops`);
  }
}

/** A limit of time was reached, and not an end of a connection or an answer. */
function isSilence({ cause, code, data }: GatewayError): boolean {
  const { code: before } = (cause ?? {}) as { code?: unknown };
  return code === 'UPSTREAM_TIMEOUT' || before === 'UPSTREAM_TIMEOUT' || typeof data['limit'] === 'string';
}

function serves(state: UpstreamState): boolean {
  return state === 'ready' || state === 'degraded';
}
