import type { EgressClient } from '#libs/egress';
import type { Log } from '#libs/kernel';
import { type DiscoveryForm, discoverKeys } from './discovery.js';
import { type Clock, KeyCache, SYSTEM_CLOCK } from './key-cache.js';
import { configuredKeys, discoveredKeys, type KeySource, loadKeys } from './load-keys.js';

export interface IssuerPlace {
  readonly issuer: string;
  /** Where its keys are, if the configuration says so. */
  readonly jwksUri: string | undefined;
  readonly discovery: readonly DiscoveryForm[];
}

/** Milliseconds for which a discovered address of keys is used without asking again. */
const KEEP_ADDRESS = 3_600_000;

interface Shared {
  readonly cache: KeyCache;
  users: number;
}

/**
 * The key caches of all issuers in use. They outlive a change of the configuration that does not concern them: a reload
 * while an issuer is away must not cost the keys that are still good.
 */
export class IssuerKeys {
  readonly #shared = new Map<string, Shared>();

  constructor(
    private readonly egress: Pick<EgressClient, 'json'>,
    private readonly log: Log,
    private readonly clock: Clock = SYSTEM_CLOCK,
  ) {}

  /** The cache for an issuer, and the way to give it back. */
  use(place: IssuerPlace): { readonly cache: KeyCache; release(): void } {
    const key = JSON.stringify([place.issuer, place.jwksUri ?? null, place.discovery]);
    const shared = this.#shared.get(key) ?? { cache: this.#cacheFor(place), users: 0 };
    this.#shared.set(key, shared);
    shared.users += 1;
    return {
      cache: shared.cache,
      release: () => {
        shared.users -= 1;
        if (shared.users === 0 && this.#shared.get(key) === shared) this.#shared.delete(key);
      },
    };
  }

  #cacheFor({ issuer, jwksUri, discovery }: IssuerPlace): KeyCache {
    const source = jwksUri === undefined ? this.#discovered(issuer, discovery) : undefined;
    const load = async () => {
      if (!source) return loadKeys(this.egress, configuredKeys(jwksUri as string));
      const place = await source.find();
      try {
        return await loadKeys(this.egress, place);
      } catch (thrown) {
        // They may have moved.
        source.forget();
        throw thrown;
      }
    };
    return new KeyCache(issuer, load, this.log, this.clock);
  }

  #discovered(issuer: string, forms: readonly DiscoveryForm[]) {
    let known: { readonly source: KeySource; readonly at: number } | undefined;
    return {
      find: async (): Promise<KeySource> => {
        const now = this.clock.elapsed();
        if (known && now - known.at < KEEP_ADDRESS) return known.source;
        const url = await discoverKeys(this.egress, issuer, forms);
        known = { source: discoveredKeys(url, issuer), at: now };
        return known.source;
      },
      forget: () => {
        known = undefined;
      },
    };
  }
}
