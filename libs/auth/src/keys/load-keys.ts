import type { SigningKey } from 'jwks-rsa';
import type { EgressClient, Trust } from '#libs/egress';
import { type IssuerKey, KeySet, strongKey } from './key-set.js';

const MAX_KEYS = 100;

/** Where a key set is, and who said so. */
export interface KeySource {
  readonly url: string;
  readonly trust: Trust;
  /** For a discovered one: the origin of the issuer that named it. */
  readonly origin?: string;
}

/** A key set that the operator named. */
export function configuredKeys(url: string): KeySource {
  return { url, trust: 'operator' };
}

/** A key set that an issuer's own metadata names: trusted no further than the issuer is. */
export function discoveredKeys(url: string, issuer: string): KeySource {
  return { url, trust: 'discovered', origin: new URL(issuer).origin };
}

/**
 * Fetches a key set and reads its signing keys: those for encryption, symmetric, private and weak ones are left out (RS-34).
 * jwks-rsa reads them; the request is our own, and so is all caching.
 * @throws Error when there is no key set to be had: what a set without keys is not
 */
export async function loadKeys(egress: Pick<EgressClient, 'json'>, source: KeySource): Promise<KeySet> {
  const entries = await fetchKeys(egress, source);
  if (entries.length === 0) return KeySet.EMPTY;
  // Only now: a gateway that reads no keys starts sooner without it.
  const { default: jwksRsa } = await import('jwks-rsa');
  const client = jwksRsa({
    jwksUri: source.url,
    cache: false,
    rateLimit: false,
    fetcher: async () => ({ keys: entries }),
  });
  let found: SigningKey[];
  try {
    found = await client.getSigningKeys();
  } catch {
    // It has entries, and none of them is a key for signatures.
    return KeySet.EMPTY;
  }
  return new KeySet(found.flatMap(usable));
}

function usable(found: SigningKey): IssuerKey[] {
  const { kid, alg }: { kid?: string; alg?: string } = found;
  const key = strongKey(found.getPublicKey());
  return key ? [{ kid, alg, key }] : [];
}

async function fetchKeys(egress: Pick<EgressClient, 'json'>, { url, trust, origin }: KeySource): Promise<object[]> {
  const { status, body } = await egress.json({ url, trust, ...(origin !== undefined && { origin }) });
  if (status !== 200) throw new Error(`${new URL(url).origin} answered the request for its keys with HTTP ${status}`);
  const keys: unknown = typeof body === 'object' && body !== null ? (body as { keys?: unknown }).keys : undefined;
  if (!Array.isArray(keys)) throw new Error(`${new URL(url).origin} answered with something that is no key set`);
  if (keys.length > MAX_KEYS) {
    throw new Error(`${new URL(url).origin} answered with ${keys.length} keys; at most ${MAX_KEYS} are read`);
  }
  return keys.filter((entry) => typeof entry === 'object' && entry !== null);
}
