import { type Answer, Lru, type Outcome, type Principal } from '#libs/kernel';

const MAX_BYTES = 16 * 1024 * 1024;

interface Kept {
  readonly result: Buffer;
  readonly scope: 'public' | 'private';
  /** Milliseconds, monotonic. */
  readonly until: number;
}

/**
 * Resources that an upstream let the gateway keep (M:cache): by upstream and URI, and by caller too unless the upstream
 * called them public. Served with the time that is left.
 */
export class ReadCache {
  readonly #kept = new Lru<string, Kept>(MAX_BYTES, ({ result }) => result.length + 256);
  /** Bumped when something of a server changed: older entries count no more. */
  readonly #epochs = new Map<string, number>();

  get(principal: Principal, server: string, uri: string): Answer | undefined {
    const kept = this.#kept.get(this.#key('', server, uri)) ?? this.#kept.get(this.#key(principal.key, server, uri));
    const ttl = kept ? Math.floor(kept.until - performance.now()) : 0;
    return kept && ttl > 0 ? { kind: 'result', result: kept.result, freshness: { ttl, scope: kept.scope } } : undefined;
  }

  put(principal: Principal, server: string, uri: string, outcome: Outcome): void {
    if (outcome.kind !== 'result' || !outcome.freshness || outcome.freshness.ttl <= 0) return;
    const { scope, ttl } = outcome.freshness;
    const owner = scope === 'public' ? '' : principal.key;
    this.#kept.set(this.#key(owner, server, uri), { result: outcome.result, scope, until: performance.now() + ttl });
  }

  /** A resource, or anything of a server when no URI is named, may have changed. */
  forget(server: string): void {
    this.#epochs.set(server, (this.#epochs.get(server) ?? 0) + 1);
  }

  #key(owner: string, server: string, uri: string): string {
    return `${this.#epochs.get(server) ?? 0} ${server} ${owner} ${uri}`;
  }
}
