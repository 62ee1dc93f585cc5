import { type Place, Recency } from './recency.js';

const NOTHING: readonly never[] = [];

interface Entry<K, V> {
  readonly key: K;
  readonly value: V;
  readonly weight: number;
}

/**
 * A least-recently-used map bounded by total weight (bytes, or 1 per entry). An entry heavier than the whole bound is
 * not kept at all.
 */
export class Lru<K, V> {
  readonly #places = new Map<K, Place<Entry<K, V>>>();
  readonly #order = new Recency<Entry<K, V>>();
  #weight = 0;

  constructor(
    readonly maxWeight: number,
    private readonly weigh: (value: V) => number = () => 1,
  ) {}

  get size(): number {
    return this.#places.size;
  }

  get weight(): number {
    return this.#weight;
  }

  /** Oldest first, and none is used by that. */
  values(): V[] {
    return [...this.#order].map(({ value }) => value);
  }

  /** Oldest first. */
  keys(): K[] {
    return [...this.#order].map(({ key }) => key);
  }

  get(key: K): V | undefined {
    const place = this.#places.get(key);
    if (!place) return undefined;
    this.#order.use(place);
    return place.item.value;
  }

  /** Returns the values that had to go: others for lack of room, or this one when it is too heavy to be kept. */
  set(key: K, value: V): readonly V[] {
    this.delete(key);
    const weight = this.weigh(value);
    if (weight > this.maxWeight) return [value];
    this.#places.set(key, this.#order.add({ key, value, weight }));
    this.#weight += weight;
    if (this.#weight <= this.maxWeight) return NOTHING;
    const evicted: V[] = [];
    for (const oldest of this.#order) {
      if (this.#weight <= this.maxWeight) break;
      evicted.push(oldest.value);
      this.delete(oldest.key);
    }
    return evicted;
  }

  delete(key: K): boolean {
    const place = this.#places.get(key);
    if (!place) return false;
    this.#places.delete(key);
    this.#order.remove(place);
    this.#weight -= place.item.weight;
    return true;
  }

  /** Returns the values that were in it. */
  clear(): readonly V[] {
    const values = this.values();
    this.#places.clear();
    this.#order.clear();
    this.#weight = 0;
    return values;
  }
}
