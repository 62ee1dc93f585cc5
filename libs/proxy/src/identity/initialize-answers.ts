import type { View } from '#libs/catalogue';
import { type Endpoint, type Exchange, Lru, ownBytes } from '#libs/kernel';
import { type Listing, MODERN_VERSIONS } from '#libs/mcp';
import type { UpstreamDirectory } from '#libs/upstream';
import { mergeCapabilities, type ServerCapabilities } from './capabilities.js';
import { mergeInstructions } from './instructions.js';

/** InitializeResults and DiscoverResults, built from what upstreams are known to offer, kept per generation, view and version. */
export class InitializeAnswers {
  readonly #cache = new Lru<string, Buffer>(256);

  /** The gateway's own Implementation. */
  readonly serverInfo: { readonly name: string; readonly title: string; readonly version: string };

  constructor(
    private readonly upstreams: UpstreamDirectory,
    version: string,
  ) {
    this.serverInfo = { name: 'mcp-gateway', title: 'MCP Gateway', version };
  }

  /** A legacy InitializeResult. */
  answer(exchange: Exchange, view: View): Buffer {
    const { version } = exchange.client;
    return this.#cached('initialize', exchange, view, (offer) => ({
      protocolVersion: version,
      capabilities: offer.capabilities,
      serverInfo: this.serverInfo,
      ...(offer.instructions !== undefined && { instructions: offer.instructions }),
    }));
  }

  /** A DiscoverResult, without what the front door adds to every modern result. */
  discover(exchange: Exchange, view: View): Buffer {
    return this.#cached('discover', exchange, view, (offer) => ({
      supportedVersions: MODERN_VERSIONS,
      capabilities: offer.capabilities,
      ...(offer.instructions !== undefined && { instructions: offer.instructions }),
    }));
  }

  #cached(what: string, exchange: Exchange, view: View, build: (offer: Offer) => object): Buffer {
    const { client, endpoint, spelling } = exchange;
    const unheard = this.#unheard(endpoint, view);
    const heard = this.#heard(view);
    const key = `${what} ${view.generation} ${heard} ${unheard} ${view.key} ${view.audience} ${client.version}`;
    const cached = this.#cache.get(key);
    if (cached) return cached;
    const known = view.servers.flatMap((name) => this.upstreams.get(name)?.listing ?? []);
    // What an upstream says of itself is left out where it names what this caller may not know.
    const isFitToRead = ({ server, instructions }: Listing) => !view.betrays(server, instructions ?? '');
    const offer = {
      capabilities: mergeCapabilities(endpoint, known, unheard),
      instructions: mergeInstructions(endpoint, spelling, known.filter(isFitToRead)),
    };
    const built = ownBytes(JSON.stringify(build(offer)));
    this.#cache.set(key, built);
    return built;
  }

  /** How many upstreams of the view have said what they offer. */
  #heard({ servers }: View): number {
    let heard = 0;
    for (const name of servers) if (this.upstreams.get(name)?.listing) heard++;
    return heard;
  }

  /** Whether an upstream that may belong to this endpoint, and that the caller may know, has not said yet what it offers. */
  #unheard(endpoint: Endpoint, view: View): boolean {
    for (const upstream of this.upstreams.all()) {
      if (upstream.listing || !upstream.enabled) continue;
      if (endpoint.kind === 'server' && upstream.name !== endpoint.server) continue;
      if (view.mayKnow(upstream.name)) return true;
    }
    return false;
  }
}

interface Offer {
  readonly capabilities: ServerCapabilities;
  readonly instructions: string | undefined;
}
