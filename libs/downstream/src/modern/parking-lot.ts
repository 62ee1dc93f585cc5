import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ProxyConfigRef } from '#libs/config';
import { GatewayError } from '#libs/kernel';
import { FrontLog } from '../http/front-log.js';
import { FrontPolicy } from '../http/front-policy.js';
import type { ModernCall } from './modern-call.js';

interface Entry {
  readonly id: string;
  readonly call: ModernCall;
  timer: NodeJS.Timeout | undefined;
}

/** Calls that wait for a retry of their client: bounded in number, per caller and in time. */
@Injectable()
export class ParkingLot {
  readonly #byId = new Map<string, Entry>();
  readonly #byCall = new Map<ModernCall, Entry>();
  readonly #owners = new Map<string, number>();
  #places = 0;

  constructor(
    private readonly policy: FrontPolicy,
    private readonly config: ProxyConfigRef,
    private readonly log: FrontLog,
  ) {}

  /** Calls no request is attached to right now. */
  get size(): number {
    let parked = 0;
    for (const { call } of this.#byId.values()) if (!call.attached) parked++;
    return parked;
  }

  /**
   * Takes a place for a call that has a question; returns the way to give it back.
   * @throws GatewayError PARKING_OFF, PARKING_FULL
   */
  reserve(owner: string): () => void {
    if (this.config.current.parking === 'off') {
      throw new GatewayError(
        'PARKING_OFF',
        'The server wants to ask the client something in the middle of this call, which needs proxy.parking; it is switched off here',
      );
    }
    const { parked_calls, parked_per_principal } = this.policy.limits;
    const own = this.#owners.get(owner) ?? 0;
    if (own >= parked_per_principal) throw this.#full(own, 'yours', 'server.limits.parked_per_principal');
    if (this.#places >= parked_calls) throw this.#full(this.#places, "all callers'", 'server.limits.parked_calls');
    this.#places++;
    this.#owners.set(owner, own + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#places--;
      const left = (this.#owners.get(owner) ?? 1) - 1;
      if (left > 0) this.#owners.set(owner, left);
      else this.#owners.delete(owner);
    };
  }

  /** Parks a call; `expire` runs unless it is adopted, ended or parked anew before. Returns the name it can be found by. */
  park(call: ModernCall, lifetime: number, expire: () => void): string {
    let entry = this.#byCall.get(call);
    if (!entry) {
      entry = { id: randomBytes(16).toString('base64url'), call, timer: undefined };
      this.#byId.set(entry.id, entry);
      this.#byCall.set(call, entry);
    }
    clearTimeout(entry.timer);
    entry.timer = setTimeout(expire, Math.max(1, lifetime)).unref();
    return entry.id;
  }

  /** The call of this name, whether it waits or is being answered; undefined when it ended or was never here. */
  find(id: string): ModernCall | undefined {
    return this.#byId.get(id)?.call;
  }

  /** A retry has adopted the call: it does not expire meanwhile. */
  adopted(call: ModernCall): void {
    clearTimeout(this.#byCall.get(call)?.timer);
  }

  remove(call: ModernCall): void {
    const entry = this.#byCall.get(call);
    if (!entry) return;
    clearTimeout(entry.timer);
    this.#byCall.delete(call);
    this.#byId.delete(entry.id);
  }

  /** The upstream hears of it, not the client. */
  #full(count: number, whose: string, key: string): GatewayError {
    this.log.reached(key);
    return new GatewayError(
      'PARKING_FULL',
      `The server wants to ask the client something in the middle of this call, but ${count} calls (${whose}) wait for answers already, as many as ${key} allows`,
      { data: { key } },
    );
  }
}
