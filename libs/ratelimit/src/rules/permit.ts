import type { ObjectRef } from '#libs/kernel';
import type { Limiter } from '../store/limit-store.js';
import { take } from '../store/limit-store.js';
import { type Caller, keyOf } from './keys.js';
import { rateExceeded, tooManyRunning } from './refusal.js';
import type { Rule } from './rule.js';
import type { RuleSet } from './rule-set.js';
import type { Slots } from './slots.js';

/**
 * What one request took from the limits: requests, which stay used unless it is refused, and places among running calls,
 * which `release` gives back. After `release` nothing more is taken.
 */
export class Permit {
  readonly #taken: { limiter: Limiter; key: string }[] = [];
  readonly #held: { slots: Slots; key: string }[] = [];
  #released = false;

  /** `runs` false: the request takes up a call that has its places already. */
  constructor(
    private readonly rules: RuleSet,
    private readonly caller: Caller,
    private readonly runs: boolean,
  ) {}

  /** Asks the rules about the caller. @throws GatewayError RATE_LIMITED */
  async enter(): Promise<this> {
    await this.#take(this.rules.caller, undefined);
    return this;
  }

  /** Asks the rules about a thing; undefined when there is none. @throws GatewayError RATE_LIMITED */
  use(target: ObjectRef): Promise<void> | undefined {
    const rules = this.rules.of(target);
    return rules.length === 0 ? undefined : this.#take(rules, target);
  }

  /** The request has its outcome, or nobody waits for one any more. */
  release(): void {
    this.#released = true;
    for (const { slots, key } of this.#held.splice(0)) slots.release(key);
  }

  async #take(rules: readonly Rule[], target: ObjectRef | undefined): Promise<void> {
    for (const rule of rules) {
      if (this.#released) return;
      const key = keyOf(rule.settings.key, this.caller, target);
      if (!this.#hold(rule, key)) await this.#refuse(tooManyRunning(rule, target));
      const wait = rule.limiter ? await take(rule.limiter, key) : 0;
      if (wait > 0) await this.#refuse(rateExceeded(rule, target, wait));
      if (rule.limiter) this.#taken.push({ limiter: rule.limiter, key });
    }
  }

  #hold({ slots, settings }: Rule, key: string): boolean {
    if (!slots || settings.concurrency === null || !this.runs) return true;
    if (!slots.take(key, settings.concurrency)) return false;
    this.#held.push({ slots, key });
    return true;
  }

  /** What is refused costs nothing of any limit. */
  async #refuse(error: Error): Promise<never> {
    this.release();
    await Promise.all(this.#taken.splice(0).map(({ limiter, key }) => limiter.reward(key)));
    throw error;
  }
}
