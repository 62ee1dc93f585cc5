import { equalConfig } from './equal.js';
import type { UpstreamConfig } from './sections/upstream.config.js';

export interface ServersDiff {
  readonly added: readonly UpstreamConfig[];
  readonly removed: readonly UpstreamConfig[];
  readonly changed: readonly { readonly previous: UpstreamConfig; readonly next: UpstreamConfig }[];
  readonly unchanged: readonly UpstreamConfig[];
}

type Servers = { readonly servers: readonly UpstreamConfig[] };

/** What a reload does to each upstream, by name. A changed order alone changes nothing. Secrets count by value. */
export function diffServers(previous: Servers, next: Servers): ServersDiff {
  const before = new Map(previous.servers.map((server) => [server.name, server]));
  const after = new Set(next.servers.map(({ name }) => name));
  const diff = {
    added: [] as UpstreamConfig[],
    removed: previous.servers.filter(({ name }) => !after.has(name)),
    changed: [] as { previous: UpstreamConfig; next: UpstreamConfig }[],
    unchanged: [] as UpstreamConfig[],
  };
  for (const server of next.servers) {
    const known = before.get(server.name);
    if (!known) diff.added.push(server);
    else if (equalConfig(known, server)) diff.unchanged.push(server);
    else diff.changed.push({ previous: known, next: server });
  }
  return diff;
}
