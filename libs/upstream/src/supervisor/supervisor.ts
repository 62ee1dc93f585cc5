import { type Exchange, GatewayError, type Log } from '#libs/kernel';
import type { Listing, ListKind } from '#libs/mcp';
import type { UpstreamState } from '#libs/plugin';
import type { Slot } from '../pool/slot.js';
import { PublishedListing } from './published-listing.js';
import { RestartPace } from './restart-pace.js';
import { type ServicePort, ServiceSession } from './service-session.js';
import type { WatchSettings } from './service-watch.js';

/** Why a session ended that nobody used. */
const UNUSED = new GatewayError('UPSTREAM_DISCONNECTED', 'The gateway stopped this session, which nobody used');

export interface SupervisorSettings extends WatchSettings {
  /** Milliseconds a down upstream's lists stay. */
  readonly grace: number;
}

export interface SupervisorPort extends ServicePort {
  readonly log: Log;
  settings(): SupervisorSettings;
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
  readonly #lists: PublishedListing;
  readonly #service: ServiceSession;
  readonly #pace: RestartPace;
  /** Calls fail although the session answers: why, and how long to leave it alone. */
  #held: { readonly cause: GatewayError; readonly wait: number } | undefined;
  #stopped = false;
  #resting = false;
  #endPause: (() => void) | undefined;
  #settle!: () => void;
  #running: Promise<void> | undefined;

  /** `inherited`: lists of the same upstream under an earlier configuration, served until there are new ones. */
  constructor(port: SupervisorPort, inherited?: Listing) {
    this.#port = port;
    this.#lists = new PublishedListing(
      {
        listed: (listing) => port.listed(listing),
        withdrawn: () => port.withdrawn(`unreachable for longer than proxy.grace: ${this.#health.reason ?? ''}`),
      },
      inherited,
    );
    this.#service = new ServiceSession(port, this.#lists, {
      looked: () => this.#looked(),
      wavering: () => this.#show(),
    });
    this.#pace = new RestartPace({ retry: () => port.settings().retry });
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get health(): Health {
    return this.#health;
  }

  get listing(): Listing | undefined {
    return this.#lists.current;
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
    this.#lists.stop();
    this.#service.stop();
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
    else this.#service.listChanged(kinds);
  }

  sessionLost(slot: Slot, cause: GatewayError): void {
    if (this.#service.isOn(slot)) this.#service.end(cause);
    else this.check();
  }

  /** Nobody uses the service session: it may end until somebody does. The upstream goes on serving, its lists stay. */
  rest(): void {
    if (this.serving && !this.#resting) this.#service.end(UNUSED);
  }

  /** Somebody needs the service session again. */
  wake(): void {
    if (this.#resting) this.#endPause?.();
  }

  /** Something failed elsewhere that may mean the upstream is down. */
  check(): void {
    if (this.#resting) this.wake();
    else this.#service.check();
  }

  /**
   * Calls fail although the service session answers. None go out for `wait()` milliseconds; then a new session has to connect
   * and list. Running calls go on. False when the upstream is down as it is.
   */
  hold(cause: GatewayError, wait: () => number): boolean {
    if (this.#stopped || !this.serving || !this.#service.watched || this.#held) return false;
    this.#held = { cause, wait: wait() };
    this.#service.end(cause);
    return true;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const cause = await this.#service.connect();
      if (this.#stopped) return;
      if (cause) {
        await this.#down(cause, this.#pace.failed());
        continue;
      }
      this.#pace.connected();
      const lost = await this.#service.lost;
      // Calls may still run on it: who stops the supervisor closes the sessions.
      if (this.#stopped) return;
      if (lost === UNUSED) {
        await this.#asleep();
        continue;
      }
      const held = this.#held;
      this.#held = undefined;
      if (held?.cause === lost) {
        this.#service.retire();
        await this.#down(lost, held.wait);
        continue;
      }
      this.#service.discard(lost);
      const wait = this.#pace.lost();
      if (wait !== undefined) await this.#down(lost, wait);
      else {
        if (isSilence(lost)) this.#port.unheard();
        this.#set('degraded', `connection lost (${lost.message}); connecting again`, lost);
      }
    }
  }

  #looked(): void {
    this.#show();
    this.#settle();
    this.#port.tended();
  }

  /** Ready, or degraded with what is amiss. */
  #show(): void {
    const amiss = this.#service.wavering ?? this.#lists.complaint;
    this.#set(amiss === undefined ? 'ready' : 'degraded', amiss, undefined);
  }

  async #down(cause: GatewayError, delay: number): Promise<void> {
    if (isSilence(cause)) this.#port.unheard();
    const { grace } = this.#port.settings();
    this.#set('unreachable', cause.message, cause, Date.now() + delay);
    this.#settle();
    this.#lists.expire(grace);
    await this.#pause(delay);
  }

  async #asleep(): Promise<void> {
    this.#service.retire();
    this.#pace.unused();
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
}

/** A limit of time was reached, and not an end of a connection or an answer. */
function isSilence({ cause, code, data }: GatewayError): boolean {
  const { code: before } = (cause ?? {}) as { code?: unknown };
  return code === 'UPSTREAM_TIMEOUT' || before === 'UPSTREAM_TIMEOUT' || typeof data['limit'] === 'string';
}

function serves(state: UpstreamState): boolean {
  return state === 'ready' || state === 'degraded';
}
