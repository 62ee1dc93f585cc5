import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds between two looks of the histogram at the event loop. */
const RESOLUTION = 20;
/** Milliseconds; how often the delay is judged anew. */
const WINDOW = 500;

/**
 * How long the event loop keeps work waiting at the moment: the mean of the last window, so that one long pause, as of a
 * garbage collection, is not taken for more work than the process can do.
 */
export class LoopDelay {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  #timer: NodeJS.Timeout | undefined;
  #current = 0;

  /** Milliseconds; 0 while nothing is measured. */
  get current(): number {
    return this.#current;
  }

  start(): void {
    if (this.#timer) return;
    this.#histogram.enable();
    this.#timer = setInterval(() => this.#look(), WINDOW).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#histogram.disable();
    this.#histogram.reset();
    this.#current = 0;
  }

  #look(): void {
    // A loop that stood still has not even measured itself: the next look will see it.
    if (this.#histogram.count === 0) return;
    this.#current = Math.max(0, this.#histogram.mean / 1e6 - RESOLUTION);
    this.#histogram.reset();
  }
}
