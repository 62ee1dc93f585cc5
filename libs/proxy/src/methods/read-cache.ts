import { type Answer, Lru, type Outcome, type Principal } from '#libs/kernel';

const MAX_BYTES = 16 * 1024 * 1024;

interface Kept {
  readonly result: Buffer;
  readonly scope: 'public' | 'private';
  /** Milliseconds, monotonic. */
  readonly until: number;
}

/**
 * Resources that an upstream let the gateway keep (M:cache): by upstream, URI and caller. What the upstream called public
 * is shared by callers who are nobody in particular, and by no others: it may have been read with somebody's own
 * credential, and an upstream's word does not make that everybody's. Served with the time that is left.
 */
export class ReadCache {
  readonly #kept = new Lru<string, Kept>(MAX_BYTES, ({ result }) => result.length + 256);
  /** Bumped when something of a server changed: older entries count no more. */
  readonly #epochs = new Map<string, number>();

  get(principal: Principal, server: string, uri: string): Answer | undefined {
    const shared = principal.anonymous ? this.#kept.get(this.#key('', server, uri)) : undefined;
    const kept = shared ?? this.#kept.get(this.#key(principal.key, server, uri));
    const ttl = kept ? Math.floor(kept.until - performance.now()) : 0;
    return kept && ttl > 0 ? { kind: 'result', result: kept.result, freshness: { ttl, scope: kept.scope } } : undefined;
  }

  put(principal: Principal, server: string, uri: string, outcome: Outcome): void {
    if (outcome.kind !== 'result' || !outcome.freshness || outcome.freshness.ttl <= 0) return;
    const { scope, ttl } = outcome.freshness;
    const owner = scope === 'public' && principal.anonymous ? '' : principal.key;
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
