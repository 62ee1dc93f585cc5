import type { View } from '#libs/catalogue';
import { type Exchange, Lru } from '#libs/kernel';
import type { Listing } from '#libs/mcp';
import type { UpstreamDirectory } from '#libs/upstream';
import { mergeCapabilities } from './capabilities.js';
import { mergeInstructions } from './instructions.js';

/** InitializeResults, built from what upstreams are known to offer, kept per generation, view and version. */
export class InitializeAnswers {
  readonly #cache = new Lru<string, Buffer>(256);

  constructor(
    private readonly upstreams: UpstreamDirectory,
    private readonly gatewayVersion: string,
  ) {}

  answer(exchange: Exchange, view: View): Buffer {
    const { client, endpoint, spelling } = exchange;
    const listings = view.servers.map((name) => this.upstreams.get(name)?.listing);
    const known = listings.filter((listing): listing is Listing => listing !== undefined);
    const key = `${view.generation} ${known.length} ${view.key} ${client.version}`;
    const cached = this.#cache.get(key);
    if (cached) return cached;
    const instructions = mergeInstructions(endpoint, spelling, known);
    const built = Buffer.from(
      JSON.stringify({
        protocolVersion: client.version,
        capabilities: mergeCapabilities(endpoint, listings),
        serverInfo: { name: 'mcp-gateway', title: 'MCP Gateway', version: this.gatewayVersion },
        ...(instructions !== undefined && { instructions }),
      }),
    );
    this.#cache.set(key, built);
    return built;
  }
}
