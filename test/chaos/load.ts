import type { ChaosClient } from './clients/client.js';
import { Official } from './clients/official.js';
import { RawLegacy } from './clients/raw-legacy.js';
import { RawModern } from './clients/raw-modern.js';
import type { Order, Outcome } from './ledger/call.js';
import type { Book, Ledger } from './ledger/ledger.js';
import { type OrderPlan, Orders } from './orders.js';
import type { Random } from './random.js';

export interface LoadPlan extends OrderPlan {
  /** Clients spoken by hand, of each era. */
  readonly legacy: number;
  readonly modern: number;
  /** Clients of the official SDKs: keys of `GENERATIONS`. */
  readonly official: readonly string[];
  /** Milliseconds a client waits between two calls. */
  readonly pause: number;
  /** Sent with every request of clients spoken by hand. */
  readonly headers: Record<string, string>;
}

export const USUAL: Omit<LoadPlan, 'upstreams'> = {
  legacy: 6,
  modern: 6,
  official: ['SDK v1', 'SDK v2 legacy', 'SDK v2 modern'],
  tools: ['work', 'work', 'look'],
  ms: [0, 0, 5, 50],
  sizes: [0, 100, 5_000, 100_000],
  pause: 10,
  headers: {},
};

/** Clients that call without an end, one call at a time each, and write every call into the book. */
export class Load {
  readonly #plan: LoadPlan;
  readonly #ledger: Ledger;
  readonly #clients: readonly ChaosClient[];
  readonly #random: Random;
  readonly #orders: Orders;
  readonly #endings = new Set<() => void>();
  #running: Promise<void>[] = [];
  #stopped = false;

  constructor(url: string, plan: LoadPlan, ledger: Ledger, random: Random) {
    this.#plan = plan;
    this.#ledger = ledger;
    this.#random = random;
    this.#orders = new Orders(plan);
    const { headers } = plan;
    this.#clients = [
      ...times(plan.legacy, (n) => new RawLegacy(`legacy-${n}`, url, headers)),
      ...times(plan.modern, (n) => new RawModern(`modern-${n}`, url, headers)),
      ...plan.official.map((name, n) => new Official(`official-${n}`, url, name)),
    ];
  }

  start(): void {
    this.#running = this.#clients.map((client) => this.#run(client, this.#random.fork()));
  }

  /** No new calls; resolves when every open one came to its end and the clients have gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const end of this.#endings) end();
    await Promise.all(this.#running);
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  async #run(client: ChaosClient, random: Random): Promise<void> {
    while (!this.#stopped) {
      await callAndNote(client, this.#orders.next(client.name, random), this.#ledger);
      await this.#pause();
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#endings.delete(end);
        resolve();
      };
      const timer = setTimeout(end, this.#plan.pause);
      this.#endings.add(end);
    });
  }
}

/** One call, from the sending to the entry in the book. */
export async function callAndNote(client: ChaosClient, order: Order, book: Book): Promise<Outcome> {
  const sentAt = performance.now();
  const outcome = await client.call(order);
  book.add({ ...order, client: client.name, sentAt, settledAt: performance.now(), outcome });
  return outcome;
}

function times<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n + 1));
}
