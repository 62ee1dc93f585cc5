import type { Catalogue } from '#libs/catalogue';
import type { ProxyConfig } from '#libs/config';
import type { Endpoint } from '#libs/kernel';

/** Tokens of so many bytes of JSON, as a rule of thumb: four bytes each. What a model counts differs with the model. */
export function tokensOf(bytes: number): number {
  return Math.round(bytes / 4);
}

/** What the tools of one endpoint weigh, for a caller who may see all of them. */
export interface EndpointWeight {
  /** `/mcp`, `/mcp/<name>`. */
  readonly path: string;
  readonly endpoint: Endpoint;
  readonly tools: number;
  readonly tokens: number;
}

/** Every endpoint: `/mcp`, the toolsets, and each server that has listed something. */
export function endpointWeights(catalogue: Catalogue, { toolsets }: Pick<ProxyConfig, 'toolsets'>): EndpointWeight[] {
  const endpoints: [string, Endpoint][] = [
    ['/mcp', { kind: 'aggregate' }],
    ...Object.keys(toolsets).map((name): [string, Endpoint] => [`/mcp/${name}`, { kind: 'toolset', toolset: name }]),
    ...catalogue.entries.map(({ name }): [string, Endpoint] => [`/mcp/${name}`, { kind: 'server', server: name }]),
  ];
  return endpoints.map(([path, endpoint]) => ({
    path,
    endpoint,
    tools: catalogue.scope(endpoint).lists.tools.items.length,
    tokens: tokensOf(catalogue.toolBytes(endpoint)),
  }));
}

/** `/mcp lists 17 tools, about 2178 tokens (an estimate: bytes / 4)` */
export function weightText({ path, tools, tokens }: EndpointWeight): string {
  return `${path} lists ${tools} ${tools === 1 ? 'tool' : 'tools'}, about ${tokens} tokens (an estimate: bytes / 4)`;
}
