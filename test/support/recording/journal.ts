import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Inbox, until } from '../wait.js';

/** A JSON-RPC message as it came. */
export interface Rpc {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
}

/** One HTTP request that arrived. */
export interface Arrival {
  readonly verb: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  /** The message in it; empty when there is none. */
  readonly rpc: Rpc;
}

/** What a gateway sends by itself, whoever calls it: to find out what there is and whether the server is well. */
const HOUSEKEEPING: ReadonlySet<string> = new Set([
  'initialize',
  'notifications/initialized',
  'ping',
  'server/discover',
  'subscriptions/listen',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
]);

/** Everything that arrived at a server, in order. */
export class Journal {
  readonly arrivals = new Inbox<Arrival>();

  record(request: IncomingMessage, body: string): Arrival {
    const { method: verb = '', url = '', headers, rawHeaders } = request;
    const arrival = { verb, url, headers, rawHeaders: [...rawHeaders], body, rpc: parse(body) };
    this.arrivals.push(arrival);
    return arrival;
  }

  /**
   * What arrived on behalf of a client: calls, reads, subscriptions, answers. This is what has to stay empty when a
   * request was refused.
   */
  get work(): readonly Arrival[] {
    return this.arrivals.items.filter(
      ({ verb, rpc }) => verb === 'POST' && !(rpc.method !== undefined && HOUSEKEEPING.has(rpc.method)),
    );
  }

  /** `tools/call alpha`, `resources/read memo://x`, …: the work in short. */
  get deeds(): readonly string[] {
    return this.work.map(({ rpc: { method = 'an answer', params } }) => {
      const object = params?.['name'] ?? params?.['uri'];
      return object === undefined ? method : `${method} ${String(object)}`;
    });
  }

  /** Waits until work of this method has arrived and returns it. */
  async arrived(method: string): Promise<Arrival> {
    return until(`${method} arrives at the upstream`, () => this.work.find(({ rpc }) => rpc.method === method));
  }

  forget(): void {
    this.arrivals.items.length = 0;
  }
}

function parse(body: string): Rpc {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Rpc) : {};
  } catch {
    return {};
  }
}
