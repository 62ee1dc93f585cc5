import { Roster, type Seated } from './roster.js';

/** Something that is to be looked at later. */
export interface Due extends Seated {
  /** When, in milliseconds of the clock's time; the clock alone writes it. */
  due: number;
  /** It is time. It waits no longer, unless it is set again. */
  onDue(): void;
}

export interface DueClockOptions {
  /** Looks at least so far apart, in milliseconds: many that are due one after the other cost few looks. Default 20. */
  readonly grain?: number;
  /** Whether what waits keeps the process running. Default true. */
  readonly holds?: boolean;
  /** Another time than `performance.now()`, which then decides what holds the process. */
  readonly time?: DueTime;
}

/** A time of its own, as tests have. */
export interface DueTime {
  now(): number;
  /** Runs once, so many milliseconds from now. Returns the way to call it off. */
  after(milliseconds: number, run: () => void): () => void;
}

/** The longest wait a timer knows, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/**
 * One timer for all that wait for something that hardly ever comes, such as calls for their time limit. Coming and going costs
 * no timer; who is due is told a little later than the grain at worst, and never early.
 */
export class DueClock {
  readonly #waiting = new Roster<Due>();
  readonly #grain: number;
  readonly #time: DueTime;
  #disarm: (() => void) | undefined;
  /** When the timer looks, at the latest. */
  #next = Number.POSITIVE_INFINITY;

  constructor({ grain = 20, holds = true, time = monotonic(holds) }: DueClockOptions = {}) {
    this.#grain = grain;
    this.#time = time;
  }

  /** Has it told at a time of the clock's; one that waits already waits for this time instead. */
  set(item: Due, due: number): void {
    item.due = due;
    this.#waiting.add(item);
    if (due < this.#next) this.#arm(due);
  }

  cancel(item: Due): void {
    this.#waiting.remove(item);
  }

  /** Lets go of the timer; whatever is set from now on has one again. */
  stop(): void {
    this.#disarm?.();
    this.#next = Number.POSITIVE_INFINITY;
  }

  #arm(due: number): void {
    this.#disarm?.();
    this.#next = due;
    const wait = Math.max(1, Math.ceil(due - this.#time.now()));
    this.#disarm = this.#time.after(Math.min(wait, LONGEST), this.#look);
  }

  readonly #look = (): void => {
    this.#next = Number.POSITIVE_INFINITY;
    const now = this.#time.now();
    // Should one of them throw, the others are told at the next look.
    let next = now;
    try {
      next = this.#tell(now);
    } finally {
      next = Math.max(next, now + this.#grain);
      if (next < this.#next && this.#waiting.size > 0) this.#arm(next);
    }
  };

  /** Tells all that are due. Returns when the next one is. */
  #tell(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const item of this.#waiting.all()) {
      if (item.seat < 0) continue;
      if (item.due > now) {
        next = Math.min(next, item.due);
        continue;
      }
      this.#waiting.remove(item);
      item.onDue();
    }
    return next;
  }
}

function monotonic(holds: boolean): DueTime {
  return {
    now: () => performance.now(),
    after(milliseconds, run) {
      const timer = setTimeout(run, milliseconds);
      if (!holds) timer.unref();
      return () => clearTimeout(timer);
    },
  };
}
