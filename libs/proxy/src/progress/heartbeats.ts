import { Roster } from '#libs/kernel';
import type { CallProgress } from './call-progress.js';

/** How often the wheel turns per interval: a sign of life comes at most this part of it late. */
const TURNS = 4;
/** Shortest turn, in milliseconds. */
const SHORTEST = 10;

/** Signs of life of all calls whose clients asked for progress. One timer for all of them, and none while there are none. */
export class Heartbeats {
  readonly #calls = new Roster<CallProgress>();
  #timer: NodeJS.Timeout | undefined;

  /** `interval`: milliseconds, asked for anew at each turn; 0 switches them off. */
  constructor(private readonly interval: () => number) {}

  /** Keeps a call's client patient until its work is done. */
  async during<T>(progress: CallProgress, work: T | Promise<T>): Promise<T> {
    this.#calls.add(progress);
    this.#timer ??= this.#arm();
    try {
      return await work;
    } finally {
      this.#calls.remove(progress);
    }
  }

  /** Calls that are kept an eye on. */
  get size(): number {
    return this.#calls.size;
  }

  #arm(): NodeJS.Timeout {
    const interval = this.interval();
    // Switched off: whether it still is, is looked at now and then.
    const turn = interval > 0 ? Math.max(SHORTEST, interval / TURNS) : 1_000;
    return setTimeout(() => this.#turn(), turn).unref();
  }

  #turn(): void {
    const interval = this.interval();
    if (interval > 0) for (const progress of this.#calls.all()) progress.beat(interval);
    this.#timer = this.#calls.size > 0 ? this.#arm() : undefined;
  }
}
