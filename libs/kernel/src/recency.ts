/** An item's place in the order of use. */
export interface Place<T> {
  readonly item: T;
  older: Place<T> | undefined;
  newer: Place<T> | undefined;
}

/** Items in the order of their last use. Using one moves it without making anything. */
export class Recency<T> {
  #oldest: Place<T> | undefined;
  #newest: Place<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(item: T): Place<T> {
    const place: Place<T> = { item, older: undefined, newer: undefined };
    this.#size++;
    this.#append(place);
    return place;
  }

  /** It was used just now. */
  use(place: Place<T>): void {
    if (place === this.#newest) return;
    this.#detach(place);
    this.#append(place);
  }

  /** For a place that is in the list. */
  remove(place: Place<T>): void {
    this.#size--;
    this.#detach(place);
  }

  clear(): void {
    this.#oldest = undefined;
    this.#newest = undefined;
    this.#size = 0;
  }

  /** A copy, oldest first. */
  all(): T[] {
    const items: T[] = [];
    for (let place = this.#oldest; place; place = place.newer) items.push(place.item);
    return items;
  }

  /** Oldest first. The item at hand may be removed meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (let place = this.#oldest; place; ) {
      const next = place.newer;
      yield place.item;
      place = next;
    }
  }

  #append(place: Place<T>): void {
    place.older = this.#newest;
    if (this.#newest) this.#newest.newer = place;
    else this.#oldest = place;
    this.#newest = place;
  }

  #detach(place: Place<T>): void {
    const { older, newer } = place;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    place.older = undefined;
    place.newer = undefined;
  }
}
