import { type Endpoint, endpointPath, Lru } from '#libs/kernel';
import { LIST_KINDS, type ListKind } from '#libs/mcp';
import type { Quarantined } from './contract.js';
import type { ServerEntry } from './entry.js';
import { remembered } from './remembered.js';
import type { CatalogueSettings } from './settings.js';
import { aggregateScope, EndpointScope, serverScope, toolsetScope } from './views/scope.js';

/** Scopes kept per generation. There are as many endpoints as servers and toolsets, so this bounds only the absurd. */
const MAX_SCOPES = 1_000;

/** One generation: everything all upstreams offer at one moment. Immutable, replaced as a whole. */
export class Catalogue {
  readonly #byName: ReadonlyMap<string, ServerEntry>;
  readonly #order: ReadonlyMap<string, number>;
  readonly #prefixes: ReadonlyMap<string, string>;
  readonly #scopes = new Lru<string, EndpointScope>(MAX_SCOPES);

  constructor(
    readonly generation: number,
    /** In configured order; upstreams that never listed, or were withdrawn, are not among them. */
    readonly entries: readonly ServerEntry[],
    readonly settings: CatalogueSettings,
  ) {
    this.#byName = new Map(entries.map((entry) => [entry.name, entry]));
    this.#order = new Map(settings.servers.map(({ name }, position) => [name, position]));
    this.#prefixes = new Map(settings.servers.map(({ name, prefix }) => [name, prefix ?? name]));
  }

  server(name: string): ServerEntry | undefined {
    return this.#byName.get(name);
  }

  /** The prefix of a configured upstream, listed or not; its name when it is not configured any more. */
  prefixOf(server: string): string {
    return this.#prefixes.get(server) ?? server;
  }

  /** Position of an upstream in the configuration. */
  orderOf(server: string): number {
    return this.#order.get(server) ?? this.#order.size;
  }

  /** Items left out of the lists, of all upstreams. */
  get quarantined(): readonly Quarantined[] {
    return this.entries.flatMap((entry) => entry.quarantined);
  }

  get counts(): Readonly<Record<ListKind, number>> {
    const counts = { tools: 0, prompts: 0, resources: 0, templates: 0 };
    for (const entry of this.entries) for (const kind of LIST_KINDS) counts[kind] += entry.counts[kind];
    return counts;
  }

  /** What lies behind an endpoint before permissions; empty for one that is not there. */
  scope(endpoint: Endpoint): EndpointScope {
    const key = endpointPath(endpoint);
    return remembered(this.#scopes, key, () => this.#buildScope(endpoint));
  }

  /** Bytes of the tools that an endpoint lists to whoever may see all of them: what a model has to read, nearly. */
  toolBytes(endpoint: Endpoint): number {
    return this.scope(endpoint).lists.tools.items.reduce((bytes, { item }) => bytes + item.raw.length, 0);
  }

  #buildScope(endpoint: Endpoint): EndpointScope {
    switch (endpoint.kind) {
      case 'aggregate':
        return aggregateScope(this.entries);
      case 'server':
        return serverScope(this.#byName.get(endpoint.server));
      case 'toolset': {
        const toolset = this.settings.toolsets.find(({ name }) => name === endpoint.toolset);
        return toolset ? toolsetScope(this.entries, toolset) : aggregateScope([]);
      }
    }
  }
}
