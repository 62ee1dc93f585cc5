import { Agent } from 'node:http';
import { modernBody, modernHeaders } from '../../support/modern.js';
import type { Order, Outcome } from '../ledger/call.js';
import { type ChaosClient, toolOf } from './client.js';
import { outcomeOf } from './outcome.js';
import { post } from './post.js';

/** A client without sessions, spoken by hand over one kept connection. */
export class RawModern implements ChaosClient {
  readonly name: string;
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #id = 0;

  constructor(name: string, url: string, headers: Record<string, string> = {}) {
    this.name = name;
    this.#url = url;
    this.#headers = headers;
  }

  async call(order: Order): Promise<Outcome> {
    const id = ++this.#id;
    const tool = toolOf(order);
    const headers = { ...modernHeaders('tools/call', tool), ...this.#headers };
    const body = modernBody('tools/call', tool, { id });
    return outcomeOf(await post({ agent: this.#agent, url: this.#url, headers, body }), id);
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }
}
