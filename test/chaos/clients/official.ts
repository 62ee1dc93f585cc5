import type { ElicitResult } from '@modelcontextprotocol/sdk/types.js';
import { type AnyClient, GENERATIONS, type Result } from '../../support/clients.js';
import type { Order, Outcome } from '../ledger/call.js';
import { type ChaosClient, onSilence, toolOf } from './client.js';
import { failure, resultOf } from './outcome.js';

export interface OfficialOptions {
  readonly headers?: Record<string, string>;
  /** It declares elicitation, and tells every question the nonce of its own call: whoever else's it was for is found out. */
  readonly answers?: boolean;
}

/** A client of an official SDK, connected anew when its session is gone. */
export class Official implements ChaosClient {
  readonly name: string;
  readonly #url: string;
  readonly #generation: string;
  readonly #options: OfficialOptions;
  #client: AnyClient | undefined;
  /** The nonce of the call that is open. */
  #nonce = 'no call is open';

  /** `generation`: a key of `GENERATIONS`. */
  constructor(name: string, url: string, generation: string, options: OfficialOptions = {}) {
    this.name = name;
    this.#url = url;
    this.#generation = generation;
    this.#options = options;
  }

  async call(order: Order): Promise<Outcome> {
    const { name, arguments: args } = toolOf(order);
    this.#nonce = order.nonce;
    const silence = new AbortController();
    const settled = onSilence(() => silence.abort());
    try {
      this.#client ??= await this.#connect();
      const result = (await this.#client?.call(name, args, { signal: silence.signal })) as Result;
      return resultOf(result as never);
    } catch (error) {
      if (silence.signal.aborted) return { kind: 'silence' };
      const outcome = thrown(error as Error);
      if (outcome.kind !== 'error' || outcome.code === 'SESSION_NOT_FOUND') await this.close();
      return outcome;
    } finally {
      settled();
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close().catch(() => undefined);
  }

  async #connect(): Promise<AnyClient | undefined> {
    const { headers = {}, answers } = this.#options;
    const elicit = (): ElicitResult => ({ action: 'accept', content: { nonce: this.#nonce } });
    return GENERATIONS[this.#generation]?.connect(this.#url, { headers, ...(answers && { elicit }) });
  }
}
/** SDKs throw JSON-RPC errors with their data, HTTP errors with the body in the message, and what `fetch` throws. */
function thrown(error: Error & { data?: unknown }): Outcome {
  const { message, data } = error;
  if (typeof data === 'object' && data !== null && 'code' in data) return failure({ message, data: data as object });
  const code = /"code":"([A-Z_]+)"/.exec(message)?.[1];
  if (code !== undefined) return { kind: 'error', code, said: message };
  const causes = causesOf(error);
  if (causes.some(({ code }) => code === 'ECONNREFUSED')) return { kind: 'refused' };
  const transport = causes.some((cause) => cause instanceof TypeError || cause.code === 'ECONNRESET');
  return transport ? { kind: 'broken', said: message } : { kind: 'error', code: undefined, said: message };
}

/** The error, and what it says that it comes from, down to the first. */
function causesOf(error: unknown): NodeJS.ErrnoException[] {
  return error instanceof Error ? [error, ...causesOf(error.cause)] : [];
}
