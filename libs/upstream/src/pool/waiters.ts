import { type Exchange, GatewayError } from '#libs/kernel';
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

/** A call that waits for a session of its group. */
export interface Waiter {
  readonly group: SessionGroup;
  readonly solo: boolean;
  grant(slot: Slot): void;
  refuse(error: GatewayError): void;
}

export interface WaitersPort {
  readonly server: string;
  /** `connection.pool`. */
  readonly limit: number;
  /** Somebody waits: a session may have to be opened. */
  arrived(): void;
  granted(slot: Slot, solo: boolean): void;
  refused(group: SessionGroup): void;
}

/** The queue of one upstream: in order of arrival, each bounded by time and by its exchange. */
export class Waiters {
  readonly #port: WaitersPort;
  readonly #waiting = new Set<Waiter>();

  constructor(port: WaitersPort) {
    this.#port = port;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Those of now, whatever becomes of the queue meanwhile; of one group, if named. */
  all(group?: SessionGroup): readonly Waiter[] {
    const all = [...this.#waiting];
    return group ? all.filter((waiter) => waiter.group === group) : all;
  }

  has(waiter: Waiter): boolean {
    return this.#waiting.has(waiter);
  }

  refuseAll(error: GatewayError, group?: SessionGroup): void {
    for (const waiter of this.all(group)) waiter.refuse(error);
  }

  /** @throws GatewayError UPSTREAM_BUSY when too many wait already */
  checkRoom(): void {
    if (this.#waiting.size < MAX_WAITING) return;
    const { server } = this.#port;
    const text = `${server} is busy: ${MAX_WAITING} calls are already waiting for a session; raise connection.pool or call less`;
    const data = { server, key: 'proxy.servers[].connection.pool' };
    throw new GatewayError('UPSTREAM_BUSY', text, { data, notExecuted: true });
  }

  wait(group: SessionGroup, solo: boolean, limits: WaitLimits): Promise<Slot> {
    return new Promise((resolve, reject) => {
      let unsubscribe: (() => void) | undefined;
      const done = () => {
        clearTimeout(timer);
        unsubscribe?.();
        if (!this.#waiting.delete(waiter)) return;
        group.waiting--;
        if (solo) group.waitingSolo--;
      };
      const waiter: Waiter = {
        group,
        solo,
        grant: (slot) => {
          done();
          this.#port.granted(slot, solo);
          resolve(slot);
        },
        refuse: (error) => {
          done();
          this.#port.refused(group);
          reject(error);
        },
      };
      const { timeout, tooLong = () => this.#waitedTooLong(timeout) } = limits;
      const timer = setTimeout(() => waiter.refuse(tooLong()), timeout);
      this.#waiting.add(waiter);
      group.waiting++;
      if (solo) group.waitingSolo++;
      unsubscribe = limits.exchange?.onAbort((reason) => waiter.refuse(reason));
      if (this.has(waiter)) this.#port.arrived();
    });
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
