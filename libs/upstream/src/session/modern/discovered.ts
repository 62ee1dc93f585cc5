import { type Freshness, GatewayError, type Outcome } from '#libs/kernel';
import { JsonView, MODERN_META, MODERN_VERSIONS, type ModernVersion } from '#libs/mcp';
import { saidIn } from '../failures.js';
import { objectOf } from '../handshake.js';

/** What an upstream said of itself at `server/discover` (M:disc). */
export interface Discovered {
  /** The newest revision both sides speak. */
  readonly version: ModernVersion;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly serverInfo: Readonly<Record<string, unknown>>;
  readonly instructions: string | undefined;
}

export const DISCOVER = { method: 'server/discover', subject: 'server/discover' } as const;

/** Reads a DiscoverResult of an upstream that is known to be of this era. @throws GatewayError UPSTREAM_PROTOCOL when it is none */
export function discoveredOf(server: string, version: string, outcome: Outcome): Discovered {
  const discovered = readDiscovered(outcome);
  if (discovered) return discovered;
  const said = outcome.kind === 'error' ? `error ${outcome.code} ${saidIn(outcome.error)}` : 'something else';
  const text = `${server} does not speak ${version}: it answered server/discover with ${said}; set protocol: auto or legacy`;
  throw new GatewayError('UPSTREAM_PROTOCOL', text, { data: { server } });
}

/** Reads a DiscoverResult; undefined when it is none, or has no revision the gateway speaks. */
export function readDiscovered(outcome: Outcome): Discovered | undefined {
  if (outcome.kind !== 'result') return undefined;
  const result = JsonView.of(outcome.result);
  const version = mutualVersion(result.get('supportedVersions'));
  if (!version) return undefined;
  return {
    version,
    capabilities: objectOf(result.get('capabilities')),
    serverInfo: objectOf(result.at('_meta', MODERN_META.serverInfo) ?? result.get('serverInfo')),
    instructions: result.get('instructions')?.string(),
  };
}

/** The newest of the listed revisions that the gateway speaks. */
export function mutualVersion(listed: JsonView | undefined): ModernVersion | undefined {
  const versions = new Set((listed?.items() ?? []).map((item) => item.string()));
  return MODERN_VERSIONS.find((version) => versions.has(version));
}

/** `data.supported` of an UnsupportedProtocolVersion error; undefined when there is no such list. */
export function supportedOf(error: Buffer): JsonView | undefined {
  const listed = JsonView.of(error).at('data', 'supported');
  return listed?.type === 'array' ? listed : undefined;
}

/** How long a result may be kept (M:cache): no time when it does not say, and by its reader alone when it does not say. */
export function freshnessOf(result: JsonView): Freshness {
  const ttl = result.get('ttlMs')?.value();
  return {
    ttl: typeof ttl === 'number' && ttl > 0 ? ttl : 0,
    scope: result.get('cacheScope')?.string() === 'public' ? 'public' : 'private',
  };
}
