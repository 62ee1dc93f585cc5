import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';

/** Less than this is not worth counting: how many requests there may be bounds it. */
export const SMALL_BODY = 16 * 1024;

/** What requests and answers hold of memory: bodies until they are answered, and answers that clients have not read yet. */
@Injectable()
export class HeldBytes {
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(bytes: number): void {
    this.#total += bytes;
  }

  /** Counts bytes until the response is over, one way or another. */
  hold(response: ServerResponse, bytes: number): void {
    if (bytes < SMALL_BODY || response.destroyed) return;
    this.#total += bytes;
    response.once('close', () => {
      this.#total -= bytes;
    });
  }
}
