import { Backoff } from '#libs/kernel';
import type { Clock } from '../keys/key-cache.js';

/** Failures in a row after which an endpoint is left alone for a while. */
const TOLERATED = 3;
const PAUSE = { initial: 1_000, max: 30_000, multiplier: 2 } as const;

/** Leaves an endpoint that keeps failing alone, then lets one call through to see how it is. */
export class Breaker {
  readonly #pauses: Backoff;
  #failures = 0;
  #closedUntil = Number.NEGATIVE_INFINITY;
  #probing = false;

  constructor(private readonly clock: Clock) {
    this.#pauses = new Backoff(PAUSE, () => clock.random());
  }

  /** Milliseconds to wait; 0: go ahead, and tell how it went. */
  enter(): number {
    if (this.#failures < TOLERATED) return 0;
    const wait = this.#closedUntil - this.clock.elapsed();
    if (wait > 0) return wait;
    if (this.#probing) return PAUSE.initial;
    this.#probing = true;
    return 0;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#pauses.reset();
    this.#probing = false;
  }

  failed(): void {
    this.#failures += 1;
    this.#probing = false;
    if (this.#failures < TOLERATED) return;
    this.#closedUntil = this.clock.elapsed() + this.#pauses.next();
  }
}

/** Lets so many through at once, and so many wait. */
export class Turnstile {
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly places: number,
    private readonly benches: number,
  ) {}

  /** Runs work when there is a place; undefined when even the waiting room is full. */
  run<T>(work: () => Promise<T>): Promise<T> | undefined {
    if (this.#inside < this.places) {
      this.#inside += 1;
      return this.#go(work);
    }
    if (this.#waiting.length >= this.benches) return undefined;
    return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() => this.#go(work));
  }

  async #go<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      // The place goes to whoever waits longest; nobody slips in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inside -= 1;
    }
  }
}
