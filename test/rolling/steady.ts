import { type RollingClient, reason } from './clients.js';

/** So many are enough to see that something is wrong. */
const MOST_FAILURES = 20;

/** Calls tools that may be repeated at will, one after the other without pause, until it is told to stop. */
export class Steady {
  answered = 0;
  readonly failures: string[] = [];
  #stopped = false;
  readonly #ended: Promise<void>;

  constructor(client: RollingClient, tools: readonly string[]) {
    this.#ended = this.#run(client, tools);
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#ended;
  }

  async #run(client: RollingClient, tools: readonly string[]): Promise<void> {
    for (let count = 0; !this.#stopped && this.failures.length < MOST_FAILURES; count++) {
      const tool = tools[count % tools.length] ?? '';
      const nonce = `${client.name} ${count}`;
      const answer = await client.call(tool, { nonce }).catch((error) => `failed: ${reason(error)}`);
      if (answer === nonce) this.answered++;
      else this.failures.push(`${tool}, ${nonce}: ${answer}`);
    }
  }
}
