import type { ObjectRef } from '#libs/kernel';
import type { Limiter } from '../store/limit-store.js';
import { take } from '../store/limit-store.js';
import { type Caller, keyOf } from './keys.js';
import { rateExceeded, tooManyRunning } from './refusal.js';
import type { Rule } from './rule.js';
import type { RuleSet } from './rule-set.js';
import type { Slots } from './slots.js';

interface Taken {
  readonly limiter: Limiter;
  readonly key: string;
  /** What was taken before it. */
  readonly before: Taken | undefined;
}

interface Held {
  readonly slots: Slots;
  readonly key: string;
  readonly before: Held | undefined;
}

/**
 * What one request took from the limits: requests, which stay used unless it is refused, and places among running calls,
 * which `release` gives back. After `release` nothing more is taken.
 */
export class Permit {
  #taken: Taken | undefined;
  #held: Held | undefined;
  #released = false;

  /** `runs` false: the request takes up a call that has its places already. */
  constructor(
    private readonly rules: RuleSet,
    private readonly caller: Caller,
    private readonly runs: boolean,
  ) {}

  /** Whether it may take places, so that it has to be released. */
  get holdsPlaces(): boolean {
    return this.runs && this.rules.hasPlaces;
  }

  /** Asks the rules about the caller; itself, at once where the counters are at hand. @throws GatewayError RATE_LIMITED */
  enter(): this | Promise<this> {
    const asked = this.#take(this.rules.caller, undefined, 0);
    return asked ? asked.then(() => this) : this;
  }

  /** Asks the rules about a thing; undefined when they have answered. @throws GatewayError RATE_LIMITED, as a promise */
  use(target: ObjectRef): Promise<void> | undefined {
    return this.#take(this.rules.target, target, 0);
  }

  /** The request has its outcome, or nobody waits for one any more. */
  release(): void {
    this.#released = true;
    for (let held = this.#held; held; held = held.before) held.slots.release(held.key);
    this.#held = undefined;
  }

  // Stays synchronous while the counters do: then a limit costs a call no turn of the event loop.
  #take(rules: readonly Rule[], target: ObjectRef | undefined, from: number): Promise<void> | undefined {
    for (let index = from; index < rules.length; index++) {
      const rule = rules[index] as Rule;
      if (this.#released) return undefined;
      if (target && !rule.matches(target)) continue;
      const key = keyOf(rule.settings.key, this.caller, target);
      if (!this.#hold(rule, key)) return this.#refuse(tooManyRunning(rule, target));
      if (!rule.limiter) continue;
      const wait = take(rule.limiter, key);
      if (wait instanceof Promise) {
        return wait.then((it) => this.#counted(rule, key, target, it) ?? this.#take(rules, target, index + 1));
      }
      const refused = this.#counted(rule, key, target, wait);
      if (refused) return refused;
    }
    return undefined;
  }

  #counted(rule: Rule, key: string, target: ObjectRef | undefined, wait: number): Promise<never> | undefined {
    if (wait > 0) return this.#refuse(rateExceeded(rule, target, wait));
    this.#taken = { limiter: rule.limiter as Limiter, key, before: this.#taken };
    return undefined;
  }

  #hold({ slots, settings }: Rule, key: string): boolean {
    if (!slots || settings.concurrency === null || !this.runs) return true;
    if (!slots.take(key, settings.concurrency)) return false;
    this.#held = { slots, key, before: this.#held };
    return true;
  }

  /** What is refused costs nothing of any limit. */
  async #refuse(error: Error): Promise<never> {
    this.release();
    const given: Promise<unknown>[] = [];
    for (let taken = this.#taken; taken; taken = taken.before) given.push(taken.limiter.reward(taken.key));
    this.#taken = undefined;
    await Promise.all(given);
    throw error;
  }
}
