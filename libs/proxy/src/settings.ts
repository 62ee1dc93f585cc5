import type { CatalogueSettings } from '#libs/catalogue';
import type { ProxyConfig, ServerConfig } from '#libs/config';

/** The catalogue's part of the configuration. */
export function catalogueSettings(proxy: ProxyConfig, server: ServerConfig): CatalogueSettings {
  return {
    listCacheBytes: server.limits.list_cache,
    servers: proxy.servers
      .filter((upstream) => upstream.enabled)
      .map(({ name, prefix, tools }) => ({ name, prefix, tools: { include: tools.include, exclude: tools.exclude } })),
    toolsets: Object.entries(proxy.toolsets).map(([name, toolset]) => ({
      name,
      include: toolset.include,
      exclude: toolset.exclude,
    })),
  };
}

/** Whether the listener can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
