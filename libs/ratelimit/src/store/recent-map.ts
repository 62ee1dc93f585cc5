/**
 * A map that forgets what was not asked for in a while, and, at its bound, what was asked for longest ago. Two generations:
 * what is used moves to the young one, and when that is full or old the other is dropped. So a known key costs one lookup,
 * and nothing has a timer.
 */
export class RecentMap<V> {
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #born = Number.NEGATIVE_INFINITY;

  /** `span`: an entry unused for so many milliseconds may go; it is never kept for more than twice as long. */
  constructor(
    private readonly maxEntries: number,
    private readonly span: number,
  ) {}

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string, now: number): V | undefined {
    this.#age(now);
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.set(key, old, now);
    return old;
  }

  set(key: string, value: V, now: number): void {
    this.#age(now);
    if (this.#young.size >= this.maxEntries / 2) this.#turn(this.#young, now);
    this.#young.set(key, value);
  }

  #age(now: number): void {
    const age = now - this.#born;
    if (age < this.span) return;
    // When nobody came for twice the span, the young ones have had their time as well.
    this.#turn(age < 2 * this.span ? this.#young : new Map(), now);
  }

  #turn(old: Map<string, V>, now: number): void {
    this.#old = old;
    this.#young = new Map();
    this.#born = now;
  }
}
