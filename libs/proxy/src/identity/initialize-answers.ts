import type { View } from '#libs/catalogue';
import { type Endpoint, type Exchange, Lru } from '#libs/kernel';
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
    const known = view.servers.flatMap((name) => this.upstreams.get(name)?.listing ?? []);
    const unheard = this.#unheard(endpoint);
    const key = `${view.generation} ${known.length} ${unheard} ${view.key} ${client.version}`;
    const cached = this.#cache.get(key);
    if (cached) return cached;
    const instructions = mergeInstructions(endpoint, spelling, known);
    const built = Buffer.from(
      JSON.stringify({
        protocolVersion: client.version,
        capabilities: mergeCapabilities(endpoint, known, unheard),
        serverInfo: { name: 'mcp-gateway', title: 'MCP Gateway', version: this.gatewayVersion },
        ...(instructions !== undefined && { instructions }),
      }),
    );
    this.#cache.set(key, built);
    return built;
  }

  /** Whether an upstream that may belong to this endpoint has not said yet what it offers. */
  #unheard(endpoint: Endpoint): boolean {
    return this.upstreams
      .all()
      .some(
        (upstream) =>
          !upstream.listing &&
          (endpoint.kind !== 'server' || upstream.name === endpoint.server) &&
          upstream.status.state !== 'disabled',
      );
  }
}
