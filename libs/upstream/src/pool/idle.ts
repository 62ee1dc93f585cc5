import { isService } from './session-spec.js';
import type { SessionGroup, Slot } from './slot.js';

export interface IdleRules {
  /** Milliseconds a session may stay unused. */
  readonly idle: number;
  /** It was unused for that long. */
  unused(slot: Slot): void;
}

/** Tells whenever a session has been unused for the idle time, until its timer is cleared. */
export function watchIdle(slot: Slot, rules: IdleRules, wait = rules.idle): void {
  const { idle } = rules;
  slot.idleTimer = setTimeout(() => {
    const left = slot.lastUsed + idle - performance.now();
    const over = !slot.used && left <= 1;
    watchIdle(slot, rules, slot.used || over ? idle : left);
    if (over) rules.unused(slot);
  }, wait);
  slot.idleTimer.unref();
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
