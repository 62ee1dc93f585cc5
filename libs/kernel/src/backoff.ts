import { ExponentialBackoff, type IBackoff } from 'cockatiel';

export interface BackoffSettings {
  /** Milliseconds before the first retry. */
  readonly initial: number;
  /** Upper bound of one wait, in milliseconds. */
  readonly max: number;
  readonly multiplier: number;
}

/** The shortest wait as a part of its bound: not even the luckiest throw may hammer. */
const LEAST = 0.1;

/**
 * The waits between attempts, for ever: exponential, each anywhere between a tenth of its bound and all of it. Settings may change between two attempts; the
 * library's own jitter knows neither that, nor a growth other than doubling, so it is handed this one.
 */
export class Backoff {
  readonly #exponential: ExponentialBackoff<number>;
  #step: IBackoff<unknown> | undefined;

  constructor(settings: BackoffSettings | (() => BackoffSettings), random: () => number = Math.random) {
    const current = typeof settings === 'function' ? settings : () => settings;
    this.#exponential = new ExponentialBackoff<number>({
      generator: (attempt = 0) => {
        const { initial, max, multiplier } = current();
        const exponential = initial * multiplier ** attempt;
        // Not a number after many attempts that start from 0.
        const bound = exponential <= max ? exponential : max;
        return [Math.round(bound * (LEAST + (1 - LEAST) * random())), attempt + 1];
      },
    });
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    this.#step = this.#step ? this.#step.next(undefined) : this.#exponential.next();
    return this.#step.duration;
  }

  /** It went well: the next failure is the first one again. */
  reset(): void {
    this.#step = undefined;
  }
}
