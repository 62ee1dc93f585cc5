import type { Order } from './ledger/call.js';
import type { Random } from './random.js';

/** What calls are like. */
export interface OrderPlan {
  /** Names of the upstreams that are called. */
  readonly upstreams: readonly string[];
  readonly tools: readonly Order['tool'][];
  /** Milliseconds the upstream takes for a call, and bytes of its answer: one of these. */
  readonly ms: readonly number[];
  readonly sizes: readonly number[];
  /** Part of the calls whose client is asked something; default: none. */
  readonly asking?: number;
}

/** Makes up calls, each with a nonce of its own. */
export class Orders {
  readonly #plan: OrderPlan;
  #count = 0;

  constructor(plan: OrderPlan) {
    this.#plan = plan;
  }

  next(client: string, random: Random): Order {
    const { upstreams, tools, ms, sizes, asking = 0 } = this.#plan;
    return {
      nonce: random.nonce(`${client}.${++this.#count}`),
      upstream: random.pick(upstreams),
      tool: random.pick(tools),
      ms: random.pick(ms),
      size: random.pick(sizes),
      ...(asking > 0 && { ask: random.next() < asking }),
    };
  }
}
