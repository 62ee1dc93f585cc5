import { Backoff, type BackoffSettings, GatewayError, toGatewayError } from '#libs/kernel';
import { LIST_KINDS, type ListKind } from '#libs/mcp';
import { endsSession, formatMs } from '../session/failures.js';
import type { UpstreamSession } from '../session/upstream-session.js';
import type { ListLimits } from './discovery.js';

/** list_changed notifications within this time count as one (milliseconds). */
const DEBOUNCE = 250;
/** Of the time, at most one part in so many goes into listing again because an upstream says so, however often it does. */
const SHARE = 5;
const MAX_PAUSE = 30_000;

export interface WatchSettings {
  readonly retry: BackoffSettings;
  readonly discovery: ListLimits & { readonly interval: number };
  readonly heartbeat: {
    readonly enabled: boolean;
    readonly interval: number;
    readonly timeout: number;
    readonly failures: number;
  };
}

export interface WatchPort {
  readonly server: string;
  settings(): WatchSettings;
  /** Fetches lists and publishes them; returns those that failed. Rejects when the session is of no use. */
  relist(kinds: readonly ListKind[]): Promise<readonly ListKind[]>;
  /** The upstream said how long this list may be kept, and that time is not over. */
  fresh(kind: ListKind): boolean;
  /** A ping went unanswered, or answers came again (undefined). */
  wavering(reason: string | undefined): void;
}

/**
 * Looks after a service session while it lives: pings it when it is idle, lists again from time to time and on
 * list_changed. `lost` resolves with the cause once it is of no use.
 */
export class ServiceWatch {
  readonly lost: Promise<GatewayError>;
  readonly #session: UpstreamSession;
  readonly #port: WatchPort;
  readonly #wanted = new Set<ListKind>();
  #lose!: (cause: GatewayError) => void;
  #heartbeat: NodeJS.Timeout | undefined;
  #periodic: NodeJS.Timeout | undefined;
  #debounce: NodeJS.Timeout | undefined;
  #listing = false;
  /** No listing on the upstream's own account before this (monotonic). */
  #earliest = 0;
  /** Waits before lists that failed are asked for again. */
  readonly #backoff: Backoff;
  #pinging = false;
  #missed = 0;
  #stopped = false;

  constructor(session: UpstreamSession, port: WatchPort) {
    this.#session = session;
    this.#port = port;
    this.#backoff = new Backoff(() => port.settings().retry);
    this.lost = new Promise((resolve) => {
      this.#lose = (cause) => {
        this.stop();
        resolve(cause);
      };
    });
    this.#planHeartbeat();
  }

  /** Lists for the first time, and from now on whenever there is reason to. */
  async start(): Promise<void> {
    await this.#look(LIST_KINDS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#heartbeat);
    clearTimeout(this.#periodic);
    clearTimeout(this.#debounce);
  }

  /** The session ended, or the gateway must give it up. */
  end(cause: GatewayError): void {
    if (!this.#stopped) this.#lose(cause);
  }

  /** Another session of this upstream broke: look at once instead of at the next heartbeat. */
  check(): void {
    if (!this.#stopped) void this.#ping();
  }

  listChanged(kinds: readonly ListKind[]): void {
    for (const kind of kinds) this.#wanted.add(kind);
    this.#planWanted();
  }

  #planWanted(): void {
    if (this.#stopped || this.#debounce || this.#listing) return;
    const wait = Math.max(DEBOUNCE, this.#earliest - performance.now());
    this.#debounce = setTimeout(() => {
      this.#debounce = undefined;
      void this.#list();
    }, wait);
  }

  #planHeartbeat(): void {
    const { enabled, interval } = this.#port.settings().heartbeat;
    if (this.#stopped || !enabled) return;
    clearTimeout(this.#heartbeat);
    this.#heartbeat = setTimeout(() => {
      const busy = this.#session.inFlight > 0 || performance.now() - this.#session.lastHeard < interval / 2;
      if (busy && this.#missed === 0) this.#planHeartbeat();
      else void this.#ping();
    }, interval);
  }

  async #ping(): Promise<void> {
    if (this.#pinging) return;
    this.#pinging = true;
    const { timeout, failures } = this.#port.settings().heartbeat;
    try {
      // Any answer is a sign of life, also an error from a server that knows no ping.
      await this.#session.request({ method: 'ping', subject: 'ping', timeout, maxTotal: timeout });
      if (this.#missed > 0) this.#port.wavering(undefined);
      this.#missed = 0;
    } catch (thrown) {
      const error = toGatewayError(thrown);
      this.#missed++;
      const silent = error.code === 'UPSTREAM_TIMEOUT';
      // More pings that fail would tell nothing new.
      if (endsSession(error)) this.end(error);
      else if (this.#missed >= failures) this.end(silent ? this.#silent(this.#missed) : error);
      else if (!this.#stopped) this.#port.wavering(silent ? this.#silent(this.#missed).message : error.message);
    } finally {
      this.#pinging = false;
      this.#planHeartbeat();
    }
  }

  #silent(pings: number): GatewayError {
    const { server } = this.#port;
    const each = formatMs(this.#port.settings().heartbeat.timeout);
    const text = `${server} did not answer ${pings === 1 ? 'a ping' : `${pings} pings`} within ${each}`;
    return new GatewayError('UPSTREAM_UNREACHABLE', text, {
      data: { server, limit: 'proxy.heartbeat.timeout' },
    });
  }

  /** The next look at all lists, or a sooner one at those that failed. */
  #planListing(failed: readonly ListKind[]): void {
    const { discovery } = this.#port.settings();
    if (this.#stopped) return;
    // Jitter, so that a hundred upstreams are not asked in the same moment.
    const regular = discovery.interval * (0.9 + 0.2 * Math.random());
    if (failed.length === 0) this.#backoff.reset();
    const soon = failed.length > 0 ? Math.max(DEBOUNCE, this.#backoff.next()) : regular;
    const kinds = soon < regular ? failed : LIST_KINDS;
    clearTimeout(this.#periodic);
    this.#periodic = setTimeout(
      () => {
        for (const kind of kinds) if (!this.#port.fresh(kind)) this.#wanted.add(kind);
        void this.#list();
      },
      Math.min(soon, regular),
    );
  }

  async #list(): Promise<void> {
    if (this.#listing || this.#stopped) return;
    const kinds = [...this.#wanted];
    this.#wanted.clear();
    try {
      await this.#look(kinds);
    } catch (thrown) {
      this.end(toGatewayError(thrown));
    }
  }

  async #look(kinds: readonly ListKind[]): Promise<void> {
    this.#listing = true;
    const began = performance.now();
    try {
      const failed = await this.#port.relist(kinds);
      this.#planListing(failed);
    } finally {
      this.#listing = false;
      const now = performance.now();
      this.#earliest = now + Math.min((now - began) * (SHARE - 1), MAX_PAUSE);
      // What changed meanwhile.
      if (this.#wanted.size > 0) this.#planWanted();
    }
  }
}
