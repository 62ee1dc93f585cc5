import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { RateLimitConfigRef } from '#libs/config';
import type { Caller } from './rules/keys.js';
import { Permit } from './rules/permit.js';
import { RuleSet } from './rules/rule-set.js';
import { LimitStore } from './store/limit-store.js';

/** The rules of `rate_limit:`, following the configuration. */
@Injectable()
export class RateLimits implements OnModuleDestroy {
  #rules: RuleSet;
  readonly #stop: () => void;

  constructor(config: RateLimitConfigRef, store: LimitStore) {
    this.#rules = new RuleSet(config.current, store);
    this.#stop = config.onChange((next) => {
      this.#rules = new RuleSet(next, store, this.#rules);
    });
  }

  /**
   * Asks the rules about a caller, before anything is known of what it asks for; undefined without any rule at all.
   * A permit that holds places is to be released when the request has its outcome.
   * @throws GatewayError RATE_LIMITED, as a promise
   */
  begin(caller: Caller): Permit | Promise<Permit> | undefined {
    return this.#rules.empty ? undefined : new Permit(this.#rules, caller, true).enter();
  }

  /**
   * The same for a request that takes up a parked call: it counts as a request, and the call goes on in the places it has.
   * @throws GatewayError RATE_LIMITED, as a promise
   */
  resume(caller: Caller): Permit | Promise<Permit> | undefined {
    return this.#rules.empty ? undefined : new Permit(this.#rules, caller, false).enter();
  }

  onModuleDestroy(): void {
    this.#stop();
  }
}
