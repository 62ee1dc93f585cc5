import { DueClock } from '#libs/kernel';
import { isService } from './session-spec.js';
import type { SessionGroup, Slot } from './slot.js';

export interface IdleRules {
  /** Milliseconds a session may stay unused. */
  readonly idle: number;
  /** It was unused for that long. */
  unused(slot: Slot): void;
}

/** Milliseconds a session may be found unused later than it could be. */
const GRAIN = 1_000;

/** Tells whenever a session has been unused for the idle time: one timer for all sessions of a pool. */
export class IdleWatch {
  readonly #clock = new DueClock({ grain: GRAIN, holds: false });

  constructor(private readonly rules: IdleRules) {}

  begin(slot: Slot): void {
    slot.watch = this;
    this.#clock.set(slot, performance.now() + this.rules.idle);
  }

  end(slot: Slot): void {
    slot.watch = undefined;
    this.#clock.cancel(slot);
  }

  /** It may be unused by now. */
  look(slot: Slot): void {
    const { idle, unused } = this.rules;
    const now = performance.now();
    const end = slot.lastUsed + idle;
    const over = !slot.used && end - now <= 1;
    this.#clock.set(slot, slot.used || over ? now + idle : end);
    if (over) unused(slot);
  }

  /** No session is left. */
  stop(): void {
    this.#clock.stop();
  }
}

/** The session unused for longest among those that may end, those of one group excepted. */
export function oldestIdle(slots: Iterable<Slot>, except?: SessionGroup): Slot | undefined {
  let oldest: Slot | undefined;
  for (const slot of slots) {
    if (slot.used || slot.retiring || slot.group === except || isService(slot.group.spec)) continue;
    if (!oldest || slot.lastUsed < oldest.lastUsed) oldest = slot;
  }
  return oldest;
}
