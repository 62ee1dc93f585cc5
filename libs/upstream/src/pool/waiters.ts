import { type Due, DueClock, type Exchange, GatewayError, type Place, Recency } from '#libs/kernel';
import { formatMs } from '../session/failures.js';
import type { SessionGroup, Slot } from './slot.js';

/** Most calls that wait for a session of one upstream. */
const MAX_WAITING = 1_000;

/** How long to wait for a session, in milliseconds, and for whom. */
export interface WaitLimits {
  readonly timeout: number;
  readonly exchange?: Exchange;
  /** What whoever waited too long is told. */
  readonly tooLong?: () => GatewayError;
}

export interface WaitersPort {
  readonly server: string;
  /** `connection.pool`. */
  readonly limit: number;
  /** Somebody waits: a session may have to be opened. */
  arrived(waiter: Waiter): void;
  granted(slot: Slot, solo: boolean): void;
  refused(group: SessionGroup): void;
}

/** The queue of one upstream: in order of arrival, each bounded by time and by its exchange. */
export class Waiters {
  readonly #port: WaitersPort;
  readonly #queue = new Recency<Waiter>();
  /** For the time limits. */
  readonly #clock = new DueClock();

  constructor(port: WaitersPort) {
    this.#port = port;
  }

  get size(): number {
    return this.#queue.size;
  }

  /** Those of now, whatever becomes of the queue meanwhile; of one group, if named. */
  all(group?: SessionGroup): readonly Waiter[] {
    if (!group) return this.#queue.all();
    return group.waiting === 0 ? NONE : this.#queue.all().filter((waiter) => waiter.group === group);
  }

  refuseAll(error: GatewayError, group?: SessionGroup): void {
    for (const waiter of this.all(group)) waiter.refuse(error);
  }

  /** Why nobody else may wait: too many do. */
  get full(): GatewayError | undefined {
    if (this.size < MAX_WAITING) return undefined;
    const { server } = this.#port;
    const text = `${server} is busy: ${MAX_WAITING} calls are already waiting for a session; raise connection.pool or call less`;
    const data = { server, key: 'proxy.servers[].connection.pool' };
    return new GatewayError('UPSTREAM_BUSY', text, { data, notExecuted: true });
  }

  wait(group: SessionGroup, solo: boolean, limits: WaitLimits): Promise<Slot> {
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(this.#port, this.#clock, { group, solo, limits, resolve, reject });
      waiter.queue(this.#queue);
      if (waiter.waiting) this.#port.arrived(waiter);
    });
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#clock.stop();
  }
}

const NONE: readonly Waiter[] = [];

interface Waiting {
  readonly group: SessionGroup;
  readonly solo: boolean;
  readonly limits: WaitLimits;
  resolve(slot: Slot): void;
  reject(error: GatewayError): void;
}

/** A call that waits for a session of its group. */
export class Waiter implements Due {
  seat = -1;
  due = 0;
  readonly #port: WaitersPort;
  readonly #clock: DueClock;
  readonly #call: Waiting;
  #queue: Recency<Waiter> | undefined;
  #place: Place<Waiter> | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(port: WaitersPort, clock: DueClock, call: Waiting) {
    this.#port = port;
    this.#clock = clock;
    this.#call = call;
  }

  get group(): SessionGroup {
    return this.#call.group;
  }

  get solo(): boolean {
    return this.#call.solo;
  }

  get waiting(): boolean {
    return this.#place !== undefined;
  }

  queue(queue: Recency<Waiter>): void {
    const { group, limits, solo } = this.#call;
    this.#queue = queue;
    this.#place = queue.add(this);
    group.waiting++;
    if (solo) group.waitingSolo++;
    this.#clock.set(this, performance.now() + limits.timeout);
    const unsubscribe = limits.exchange?.onAbort((reason) => this.refuse(reason));
    if (this.waiting) this.#unsubscribe = unsubscribe;
  }

  grant(slot: Slot): void {
    const { resolve, solo } = this.#call;
    this.#leave();
    this.#port.granted(slot, solo);
    resolve(slot);
  }

  refuse(error: GatewayError): void {
    const { group, reject } = this.#call;
    this.#leave();
    this.#port.refused(group);
    reject(error);
  }

  onDue(): void {
    const { timeout, tooLong } = this.#call.limits;
    this.refuse(tooLong ? tooLong() : this.#waitedTooLong(timeout));
  }

  #leave(): void {
    if (!this.#place) return;
    this.#queue?.remove(this.#place);
    this.#place = undefined;
    this.#clock.cancel(this);
    this.#unsubscribe?.();
    const { group, solo } = this.#call;
    group.waiting--;
    if (solo) group.waitingSolo--;
  }

  #waitedTooLong(timeout: number): GatewayError {
    const { limit, server } = this.#port;
    return new GatewayError(
      'UPSTREAM_TIMEOUT',
      `${server}: no session was free for ${formatMs(timeout)} (connection.timeout); ` +
        `connection.pool allows ${limit} at a time`,
      { data: { server, limit: 'connection.timeout', milliseconds: timeout }, notExecuted: true },
    );
  }
}
