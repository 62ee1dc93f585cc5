import type { Lru } from '#libs/kernel';

/** The cached value of a key, built and kept when there is none. */
export function remembered<K, V>(cache: Lru<K, V>, key: K, build: () => V): V {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const built = build();
  cache.set(key, built);
  return built;
}
