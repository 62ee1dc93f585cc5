import { ChurnMap, GatewayError, toGatewayError } from '#libs/kernel';
import type { SessionListener, UpstreamSession } from '../session/upstream-session.js';
import type { ChildPlaces } from './child-places.js';
import type { CrashLoops } from './crash-loops.js';
import { Ear, type SessionNews } from './ear.js';
import { SessionCloser } from './session-closer.js';
import { SessionLimit } from './session-limit.js';
import { isService, type SessionSpec } from './session-spec.js';
import { SessionGroup, Slot } from './slot.js';
import { Underway } from './underway.js';
import { type Waiter, Waiters, type WaitLimits } from './waiters.js';

/** What the pool tells its upstream. */
export interface PoolEvents extends SessionNews {
  /** A session is open; the first of its group holds the group's subscriptions. */
  opened(slot: Slot): void;
  lost(slot: Slot, error: GatewayError): void;
  /** Nobody used the service session for the idle time; its supervisor decides. */
  unused?(): void;
}

export interface PoolOptions {
  readonly server: string;
  /** Most children or streams (`connection.pool`), the service session not counted. */
  readonly limit: number;
  /** Milliseconds a session may stay unused. */
  readonly idle: number;
  readonly events: PoolEvents;
  /** Where sessions are child processes: what became of them, and when the next one may be started. */
  readonly crashes?: CrashLoops | undefined;
  /** Where sessions are child processes: the bound on those of all upstreams, which may ask for an idle one. */
  readonly places?: ChildPlaces | undefined;
  open(spec: SessionSpec, listener: SessionListener, signal: AbortSignal): Promise<UpstreamSession>;
}

/**
 * The sessions of one upstream: opened lazily and once per key however many ask, shared by callers of equal keys,
 * closed when idle. Where the wire does not say which call a question belongs to, calls that may be asked get a session
 * of their own while they run, up to the limit, and then queue.
 */
export class SessionPool {
  readonly #options: PoolOptions;
  readonly #groups = new ChurnMap<string, SessionGroup>();
  readonly #waiters: Waiters;
  readonly #abort = new AbortController();
  /** Openings and closings under way, so that `close` can wait for the last child. */
  readonly #work = new Underway();
  readonly #limit: SessionLimit;
  readonly #closer: SessionCloser;
  #closed: GatewayError | undefined;
  readonly #forget: (() => void) | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#limit = new SessionLimit(options.limit);
    this.#closer = new SessionCloser({
      server: options.server,
      idle: options.idle,
      crashes: options.crashes,
      limit: this.#limit,
      work: this.#work,
      unused: options.events.unused?.bind(options.events),
      lost: (slot, error) => options.events.lost(slot, error),
      left: (group) => this.tidy(group),
      room: () => this.#pump(),
    });
    this.#waiters = new Waiters({
      server: options.server,
      limit: options.limit,
      arrived: (waiter) => this.#serve(waiter),
      granted: (slot, solo) => this.#occupy(slot, solo),
      refused: (group) => this.tidy(group),
    });
    this.#forget = options.places?.join({ oldestIdle: () => this.#closer.oldestIdle(this.slots()) });
  }

  groups(): readonly SessionGroup[] {
    return this.#groups.values();
  }

  *slots(): Generator<Slot> {
    for (const group of this.#groups.values()) yield* group.slots;
  }

  /** A session at once, or undefined when `wait` has to be used. Pair with `release`. */
  take(spec: SessionSpec, solo: boolean): Slot | undefined {
    const group = this.#groups.get(spec.key);
    group?.renew(spec);
    const slot = group && this.#free(group, solo);
    if (slot) this.#occupy(slot, solo);
    return slot;
  }

  /**
   * A session as soon as there is one. Pair with `release`.
   * @throws GatewayError UPSTREAM_BUSY, UPSTREAM_TIMEOUT, the exchange's reason, or why no session could be opened
   */
  wait(spec: SessionSpec, solo: boolean, limits: WaitLimits): Promise<Slot> {
    const refusal = this.#closed ?? this.#waiters.full;
    return refusal ? Promise.reject(refusal) : this.#waiters.wait(this.#group(spec), solo, limits);
  }

  release(slot: Slot, solo: boolean): void {
    slot.running--;
    if (solo) slot.solo--;
    slot.lastUsed = performance.now();
    if (slot.running === 0 && slot.group.disposable) this.#closer.dismiss(slot);
    else if (slot.running === 0 && slot.retiring) this.#closer.retire(slot);
    this.#pump();
  }

  /** Ends a session that is of no use, whatever the cause says of the calls on it. */
  discard(slot: Slot, cause: GatewayError): void {
    this.#closer.discard(slot, cause);
    this.#pump();
  }

  /** Lets sessions finish their calls and closes them then. */
  retire(slots: Iterable<Slot>): void {
    for (const slot of [...slots]) this.#closer.retire(slot);
    this.#pump();
  }

  /** The group of a key, while it has sessions, waiting calls or subscriptions. */
  group(spec: SessionSpec): SessionGroup | undefined {
    return this.#groups.get(spec.key);
  }

  /** Goes on with what clients watch in a group of another pool; its sessions are opened when they are restored. */
  adopt({ spec, subscriptions }: SessionGroup): SessionGroup {
    const group = this.#group(spec);
    for (const [uri, clients] of subscriptions.entries()) group.subscriptions.set(uri, new Set(clients));
    return group;
  }

  /** Forgets a group nobody needs. */
  tidy(group: SessionGroup): void {
    if (group.empty && this.#groups.get(group.spec.key) === group) this.#groups.delete(group.spec.key);
  }

  /** Nobody waits for a session here any more. */
  refuseWaiting(refusal: GatewayError): void {
    this.#waiters.refuseAll(refusal);
  }

  /** Closes everything; calls fail with `error`, those that still wait with `refusal`. Resolves when no session and no child is left. */
  async close(error: GatewayError, refusal = error): Promise<void> {
    this.#closed ??= refusal;
    this.#forget?.();
    this.#abort.abort(refusal);
    this.#waiters.refuseAll(refusal);
    for (const slot of [...this.slots()]) this.#closer.drop(slot, error);
    await this.#work.over();
    this.#closer.stop();
    this.#waiters.stop();
    this.#groups.clear();
  }

  // Who gets which session.

  #soloRule(group: SessionGroup): boolean {
    return this.#limit.attribution === 'connection' && group.spec.capabilities.key !== '';
  }

  #free(group: SessionGroup, solo: boolean): Slot | undefined {
    const alone = solo && this.#soloRule(group);
    for (const slot of group.slots) {
      if (slot.usable && !(alone && slot.solo > 0)) return slot;
    }
    return undefined;
  }

  #occupy(slot: Slot, solo: boolean): void {
    slot.running++;
    if (solo) slot.solo++;
  }

  /**
   * Serves waiters in order of arrival and opens what they need, as far as the limit allows. Those of one group, where nothing
   * has come for others.
   */
  #pump(group?: SessionGroup): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters.all(group)) if (waiter.waiting) this.#serve(waiter);
  }

  #serve(waiter: Waiter): void {
    const slot = this.#free(waiter.group, waiter.solo);
    if (slot) waiter.grant(slot);
    else this.#openFor(waiter.group);
  }

  #openFor(group: SessionGroup): void {
    const refusal = this.#options.crashes?.refusal(group.spec);
    if (refusal) {
      this.#refuseAll(group, refusal);
      return;
    }
    const needed = this.#soloRule(group) ? Math.max(group.waitingSolo, group.slots.length === 0 ? 1 : 0) : 1;
    if (this.#closed || group.opening >= needed) return;
    if (!isService(group.spec) && !this.#room(group)) return;
    group.opening++;
    this.#limit.tally(group, 1);
    this.#work.add(this.#open(group));
  }

  async #open(group: SessionGroup): Promise<void> {
    const { events, open } = this.#options;
    let slot: Slot | undefined;
    const listener = new Ear(group, events, this.#closer.onLost);
    try {
      const session = await open(group.spec, listener, this.#abort.signal);
      group.opening--;
      slot = new Slot(group, session);
      listener.slot = slot;
      if (this.#closed || session.lost) {
        await session.close(this.#closed ?? this.#closer.ended);
        throw (
          this.#closed ?? new GatewayError('UPSTREAM_DISCONNECTED', `${this.#options.server} ended the session at once`)
        );
      }
      const expected = this.#limit.attribution === session.attribution;
      this.#limit.attribution = session.attribution;
      group.add(slot);
      this.#closer.watch(slot);
      this.#options.crashes?.opened(group.spec);
      events.opened(slot);
      // How many there may be, and who wants one alone, is known for the others as well now.
      this.#pump(expected ? group : undefined);
    } catch (thrown) {
      if (!slot) group.opening--;
      if (!slot || !group.slots.includes(slot)) this.#limit.tally(group, -1);
      this.#openFailed(group, toGatewayError(thrown));
    }
  }

  /** Everybody who waited for this opening shares its error; where other sessions live, one call less can be served. */
  #openFailed(group: SessionGroup, error: GatewayError): void {
    if (!this.#closed) this.#options.crashes?.failed(group.spec, error);
    const waiting = this.#waiters.all(group);
    const alone = group.slots.length === 0 && group.opening === 0;
    for (const waiter of alone ? waiting : waiting.slice(0, 1)) waiter.refuse(error);
    this.tidy(group);
    this.#pump();
  }

  /** Nobody of the group can be served: there is no session, and none may be opened. */
  #refuseAll(group: SessionGroup, error: GatewayError): void {
    if (group.slots.length > 0 || group.opening > 0) return;
    this.#waiters.refuseAll(error, group);
    this.tidy(group);
  }

  #group(spec: SessionSpec): SessionGroup {
    let group = this.#groups.get(spec.key);
    group?.renew(spec);
    if (group) return group;
    group = new SessionGroup(spec);
    this.#groups.set(spec.key, group);
    return group;
  }

  // The limit.

  /** Whether one more may be opened. If not, one of another key may have to go, and then somebody is served later. */
  #room(asking: SessionGroup): boolean {
    if (this.#limit.hasRoom) return true;
    if (this.#limit.closing >= this.#waiters.size) return false;
    const oldest = this.#closer.oldestIdle(this.slots(), asking);
    oldest?.end();
    return oldest !== undefined && this.#limit.hasRoom;
  }
}
