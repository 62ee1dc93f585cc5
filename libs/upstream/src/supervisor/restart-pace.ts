import { Backoff, type BackoffSettings } from '#libs/kernel';
import { diedEarly, TOLERATED } from '../pool/early-death.js';

export interface RestartPaceOptions {
  retry(): BackoffSettings;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
  readonly random?: () => number;
}

/** When an upstream is connected to again: after growing waits where attempts fail, or sessions die early, in a row. */
export class RestartPace {
  readonly #options: RestartPaceOptions;
  readonly #now: () => number;
  readonly #failures: Backoff;
  readonly #crashes: Backoff;
  #earlyDeaths = 0;
  #born = 0;

  constructor(options: RestartPaceOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#failures = new Backoff(options.retry, options.random);
    this.#crashes = new Backoff(options.retry, options.random);
  }

  /** It could not be connected to. Returns the milliseconds to wait. */
  failed(): number {
    return this.#failures.next();
  }

  connected(): void {
    this.#failures.reset();
    this.#born = this.#now();
  }

  /** What was connected was lost. Returns the milliseconds to wait, undefined where it had lived long enough for none. */
  lost(): number | undefined {
    if (!diedEarly(this.#now() - this.#born, this.#options.retry())) {
      this.#earlyDeaths = 0;
      return undefined;
    }
    if (this.#earlyDeaths++ <= TOLERATED) this.#crashes.reset();
    return this.#crashes.next();
  }

  /** What was connected ended because nobody used it: it has proven itself. */
  unused(): void {
    this.#earlyDeaths = 0;
  }
}
