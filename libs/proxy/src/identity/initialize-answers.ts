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
    const known = view.servers.flatMap((name) => this.upstreams.get(name)?.listing ?? []);
    const unheard = this.#unheard(endpoint, view);
    const key = `${what} ${view.generation} ${known.length} ${unheard} ${view.key} ${view.audience} ${client.version}`;
    const cached = this.#cache.get(key);
    if (cached) return cached;
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

  /** Whether an upstream that may belong to this endpoint, and that the caller may know, has not said yet what it offers. */
  #unheard(endpoint: Endpoint, view: View): boolean {
    return this.upstreams
      .all()
      .some(
        (upstream) =>
          upstream.enabled &&
          !upstream.listing &&
          (endpoint.kind !== 'server' || upstream.name === endpoint.server) &&
          view.mayKnow(upstream.name),
      );
  }
}

interface Offer {
  readonly capabilities: ServerCapabilities;
  readonly instructions: string | undefined;
}
