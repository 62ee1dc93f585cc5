import type { TransportLimits } from '#libs/plugin';

export type StreamLimit = 'stream' | 'stream_lifetime';

/**
 * What one event stream may bring, and for how long. Looked at when something arrives: a stream that brings nothing
 * costs nothing, and whoever waits on it has a clock of its own.
 */
export class StreamAllowance {
  readonly #ends: number;
  #left: number;

  constructor({ stream, streamLifetime }: TransportLimits) {
    this.#left = stream;
    this.#ends = performance.now() + streamLifetime;
  }

  /** Counts what arrived. Returns the limit that is reached, if one is. */
  take(chunk: Buffer): StreamLimit | undefined {
    this.#left -= chunk.length;
    if (this.#left < 0) return 'stream';
    return performance.now() > this.#ends ? 'stream_lifetime' : undefined;
  }
}
