import { Clock } from '../streams/clock.js';

interface Waiting {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that stands still until a test moves it on. */
export class VirtualClock extends Clock {
  readonly #waiting = new Set<Waiting>();
  #now = 1_700_000_000_000;

  override now(): number {
    return this.#now;
  }

  override after(milliseconds: number, run: () => void): () => void {
    const waiting = { at: this.#now + Math.max(0, milliseconds), run };
    this.#waiting.add(waiting);
    return () => void this.#waiting.delete(waiting);
  }

  /** How much is waited for. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Moves on; what becomes due runs in its order, at its time. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = [...this.#waiting].sort((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.#waiting.delete(next);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}
