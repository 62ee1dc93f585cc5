import type { CatalogueSettings } from '#libs/catalogue';
import type { ProxyConfig, ServerConfig } from '#libs/config';
import { type Endpoint, matchesGlob } from '#libs/kernel';

/** The catalogue's part of the configuration. */
export function catalogueSettings(proxy: ProxyConfig, server: ServerConfig): CatalogueSettings {
  return {
    listCacheBytes: server.limits.list_cache,
    itemLimits: {
      item: proxy.discovery.item,
      schema: proxy.discovery.schema,
      description: proxy.discovery.description,
    },
    servers: proxy.servers
      .filter((upstream) => upstream.enabled)
      .map(({ name, prefix, tools: { include, exclude, overrides } }) => ({
        name,
        prefix,
        tools: { include, exclude, overrides },
      })),
    toolsets: Object.entries(proxy.toolsets).map(([name, toolset]) => ({
      name,
      include: toolset.include,
      exclude: toolset.exclude,
    })),
  };
}

const AGGREGATE: Endpoint = Object.freeze({ kind: 'aggregate' });

/** What lies behind `/mcp` or `/mcp/<name>`; undefined when nothing of that name is configured. */
export function endpointOf(name: string | undefined, { servers, toolsets }: ProxyConfig): Endpoint | undefined {
  if (name === undefined) return AGGREGATE;
  if (servers.some((server) => server.name === name && server.enabled)) return { kind: 'server', server: name };
  return Object.hasOwn(toolsets, name) ? { kind: 'toolset', toolset: name } : undefined;
}

/** Names of the configured servers an endpoint can take something from. */
export function serversBehind(endpoint: Endpoint, { servers, toolsets }: ProxyConfig): readonly string[] {
  const enabled = servers.filter((server) => server.enabled).map(({ name }) => name);
  switch (endpoint.kind) {
    case 'aggregate':
      return enabled;
    case 'server':
      return [endpoint.server];
    case 'toolset': {
      const patterns = toolsets[endpoint.toolset]?.include ?? [];
      const parts = patterns.map((pattern) => pattern.slice(0, pattern.indexOf(':')));
      return enabled.filter((name) => parts.some((part) => matchesGlob(part, name)));
    }
  }
}
