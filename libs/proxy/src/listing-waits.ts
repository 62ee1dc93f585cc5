import type { CatalogueService, View } from '#libs/catalogue';
import { type Exchange, within } from '#libs/kernel';
import type { RequestMessage } from '#libs/mcp';
import { capabilitiesOf, type UpstreamHandle, type UpstreamRegistry } from '#libs/upstream';
import { Arrivals } from './arrivals.js';

export interface ListingWaitsPort {
  readonly upstreams: Pick<UpstreamRegistry, 'get' | 'settled'>;
  readonly catalogue: Pick<CatalogueService, 'mayKnow'>;
  view(exchange: Exchange): View;
  /** How long upstreams that list to each caller alone may take, in milliseconds. */
  readonly patience: number;
}

/** What upstreams have not listed yet is waited for, within bounds, and only while there is such an upstream. */
export class ListingWaits {
  readonly #port: ListingWaitsPort;
  readonly #arrivals = new Arrivals();
  /** Upstreams that list to each caller alone; none in most configurations. */
  #perCaller: readonly UpstreamHandle[] = [];
  /** While upstreams connect for the first time. */
  #start: Promise<void> | undefined;

  constructor(port: ListingWaitsPort) {
    this.#port = port;
  }

  /** From now on, and for at most so many milliseconds, who initializes waits for upstreams to connect. */
  begin(warmUp: number): void {
    this.#start = this.#port.upstreams.settled(warmUp).finally(() => {
      this.#start = undefined;
    });
  }

  expect(upstreams: readonly UpstreamHandle[]): void {
    this.#arrivals.expect(upstreams);
    this.#perCaller = upstreams.filter(({ listsPerCaller }) => listsPerCaller);
  }

  /** Whether a request may have to wait. */
  get pending(): boolean {
    return this.#perCaller.length > 0 || this.#arrivals.pending;
  }

  /** Resolves when what a request needs is listed, or was waited for long enough. */
  async before(exchange: Exchange, message: RequestMessage): Promise<void> {
    if (this.#perCaller.length > 0) await this.#listed(exchange);
    if (this.#arrivals.pending) await this.#arrivals.of(exchange, message, this.#port.view(exchange));
  }

  /** The same before a client is told of capabilities; undefined when there is nothing to wait for. */
  beforeFirst(exchange: Exchange, request?: RequestMessage): Promise<void> | undefined {
    const isArriving = request !== undefined && this.#arrivals.pending;
    const waits = this.#start !== undefined || isArriving || this.#perCaller.length > 0;
    return waits || declaresSomething(exchange) ? this.#beforeFirst(exchange, request) : undefined;
  }

  async #beforeFirst(exchange: Exchange, request?: RequestMessage): Promise<void> {
    await this.#start;
    if (request && this.#arrivals.pending) await this.#arrivals.of(exchange, request, this.#port.view(exchange));
    await this.#listed(exchange);
    if (!declaresSomething(exchange)) return;
    const { servers } = this.#port.view(exchange);
    const preparing = servers.map((name) => this.#port.upstreams.get(name)?.prepare(exchange));
    await within(this.#port.patience, Promise.allSettled(preparing));
  }

  /** What this caller was never listed is waited for; what is out of date is fetched behind the request. */
  async #listed(exchange: Exchange): Promise<void> {
    const missing: Promise<void>[] = [];
    for (const upstream of this.#perCaller) {
      if (!this.#concerns(upstream, exchange)) continue;
      const prepared = upstream.prepare(exchange).catch(() => {});
      if (!upstream.listsFor(exchange)) missing.push(prepared);
    }
    if (missing.length > 0) await within(this.#port.patience, Promise.all(missing));
  }

  /** Whether an upstream that has listed nothing yet may have something for this caller at this endpoint. */
  #concerns({ name }: UpstreamHandle, { endpoint, principal }: Exchange): boolean {
    return (endpoint.kind !== 'server' || endpoint.server === name) && this.#port.catalogue.mayKnow(principal, name);
  }
}

/** Upstreams may list more to a client that can do more. */
function declaresSomething({ client }: Exchange): boolean {
  return capabilitiesOf(client).key !== '';
}
