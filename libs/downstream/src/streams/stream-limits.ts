import { Injectable } from '@nestjs/common';
import { GatewayError } from '#libs/kernel';
import { FrontPolicy } from '../http/front-policy.js';

/** Counts open streams, per owner and in all. */
@Injectable()
export class StreamLimits {
  readonly #open = new Map<string, number>();
  #total = 0;

  constructor(private readonly policy: FrontPolicy) {}

  /**
   * Takes a place, for `release` to give back.
   * @throws GatewayError STREAM_LIMIT
   */
  take(owner: string): void {
    const { streams, streams_per_principal } = this.policy.limits;
    const open = this.#open.get(owner) ?? 0;
    if (open >= streams_per_principal) {
      throw full(`${open} streams are open`, 'streams_per_principal', streams_per_principal, 'close one first');
    }
    if (this.#total >= streams) {
      throw full(`The gateway has ${this.#total} streams open`, 'streams', streams, 'try again later');
    }
    this.#open.set(owner, open + 1);
    this.#total++;
  }

  release(owner: string): void {
    this.#total--;
    const open = (this.#open.get(owner) ?? 1) - 1;
    if (open > 0) this.#open.set(owner, open);
    else this.#open.delete(owner);
  }
}

function full(found: string, key: 'streams' | 'streams_per_principal', limit: number, next: string): GatewayError {
  return new GatewayError('STREAM_LIMIT', `${found}, as many as server.limits.${key} allows; ${next}`, {
    data: { limit, key: `server.limits.${key}` },
  });
}
