import { Injectable } from '@nestjs/common';
import { GatewayError } from '#libs/kernel';
import { FrontPolicy } from '../http/front-policy.js';

/** Counts open GET streams per owner. */
@Injectable()
export class StreamLimits {
  readonly #open = new Map<string, number>();

  constructor(private readonly policy: FrontPolicy) {}

  /**
   * Takes a place; returns the way to give it back.
   * @throws GatewayError STREAM_LIMIT
   */
  take(owner: string): () => void {
    const open = this.#open.get(owner) ?? 0;
    const limit = this.policy.limits.streams_per_principal;
    if (open >= limit) {
      throw new GatewayError(
        'STREAM_LIMIT',
        `${open} streams are open, as many as server.limits.streams_per_principal allows; close one first`,
        { data: { limit, key: 'server.limits.streams_per_principal' } },
      );
    }
    this.#open.set(owner, open + 1);
    return () => this.#release(owner);
  }

  #release(owner: string): void {
    const open = (this.#open.get(owner) ?? 1) - 1;
    if (open > 0) this.#open.set(owner, open);
    else this.#open.delete(owner);
  }
}
