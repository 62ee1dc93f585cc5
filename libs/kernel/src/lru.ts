const NOTHING: readonly never[] = [];

/**
 * A least-recently-used map bounded by total weight (bytes, or 1 per entry). An entry heavier than the whole bound is
 * not kept at all.
 */
export class Lru<K, V> {
  readonly #entries = new Map<K, { value: V; weight: number }>();
  #weight = 0;

  constructor(
    readonly maxWeight: number,
    private readonly weigh: (value: V) => number = () => 1,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  get weight(): number {
    return this.#weight;
  }

  /** Oldest first. */
  keys(): K[] {
    return [...this.#entries.keys()];
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Returns the values that had to go: others for lack of room, or this one when it is too heavy to be kept. */
  set(key: K, value: V): readonly V[] {
    this.delete(key);
    const weight = this.weigh(value);
    if (weight > this.maxWeight) return [value];
    this.#entries.set(key, { value, weight });
    this.#weight += weight;
    if (this.#weight <= this.maxWeight) return NOTHING;
    const evicted: V[] = [];
    for (const [oldest, entry] of this.#entries) {
      if (this.#weight <= this.maxWeight) break;
      evicted.push(entry.value);
      this.delete(oldest);
    }
    return evicted;
  }

  delete(key: K): boolean {
    const entry = this.#entries.get(key);
    if (!entry) return false;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
    return true;
  }

  /** Returns the values that were in it. */
  clear(): readonly V[] {
    const values = [...this.#entries.values()].map(({ value }) => value);
    this.#entries.clear();
    this.#weight = 0;
    return values;
  }
}
