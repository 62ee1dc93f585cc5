import { Agent } from 'node:http';
import { initializeBody } from '../../support/raw.js';
import type { Order, Outcome } from '../ledger/call.js';
import { type ChaosClient, toolOf } from './client.js';
import { outcomeOf } from './outcome.js';
import { type Posted, post } from './post.js';

const VERSION = '2025-11-25';

/** A client with a session, spoken by hand over one kept connection. It opens another session when its own is gone. */
export class RawLegacy implements ChaosClient {
  readonly name: string;
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #session: string | undefined;
  #id = 1;

  constructor(name: string, url: string, headers: Record<string, string> = {}) {
    this.name = name;
    this.#url = url;
    this.#headers = headers;
  }

  async call(order: Order): Promise<Outcome> {
    const failed = this.#session === undefined ? await this.#open() : undefined;
    if (failed) return failed;
    const id = ++this.#id;
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: toolOf(order) });
    const outcome = outcomeOf(await this.#post(body), id);
    if (outcome.kind === 'error' && outcome.code === 'SESSION_NOT_FOUND') this.#session = undefined;
    return outcome;
  }

  async close(): Promise<void> {
    if (this.#session !== undefined) await this.#post(undefined, 'DELETE');
    this.vanish();
  }

  /** Goes without a word. */
  vanish(): void {
    this.#agent.destroy();
  }

  /** Undefined when there is a session. */
  async #open(): Promise<Outcome | undefined> {
    const opened = await this.#post(initializeBody({ name: this.name }));
    if ('kind' in opened) return opened;
    if (opened.status !== 200 || opened.session === undefined) return outcomeOf(opened, 1);
    this.#session = opened.session;
    const told = await this.#post('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    return 'kind' in told ? told : undefined;
  }

  #post(body?: string, method: 'POST' | 'DELETE' = 'POST'): Promise<Posted | Outcome> {
    const headers = { ...this.#headers };
    if (this.#session !== undefined) {
      headers['mcp-session-id'] = this.#session;
      headers['mcp-protocol-version'] = VERSION;
    }
    return post({ agent: this.#agent, url: this.#url, headers, method, ...(body === undefined ? {} : { body }) });
  }
}
