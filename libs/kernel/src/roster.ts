/** Something that can be on one roster; the roster alone writes `seat`. */
export interface Seated {
  /** Its index on the roster, -1 while it is on none. */
  seat: number;
}

/** What is there at the moment: coming and going costs no lookup and leaves nothing behind. Order means nothing. */
export class Roster<T extends Seated> {
  #seats: T[] = [];

  get size(): number {
    return this.#seats.length;
  }

  add(item: T): void {
    if (item.seat >= 0) return;
    // A first push would make room for seventeen, which many rosters never need.
    if (this.#seats.length === 0) this.#seats = [item];
    else this.#seats.push(item);
    item.seat = this.#seats.length - 1;
  }

  /** Takes off whoever came last, more or less: where all serve, the others may rest. */
  take(): T | undefined {
    const last = this.#seats.pop();
    if (last) last.seat = -1;
    return last;
  }

  /** False when it was not on it. */
  remove(item: T): boolean {
    if (this.#seats[item.seat] !== item) return false;
    const last = this.#seats.pop() as T;
    if (last !== item) {
      this.#seats[item.seat] = last;
      last.seat = item.seat;
    }
    item.seat = -1;
    return true;
  }

  /** A copy: whoever leaves meanwhile is in it. */
  all(): T[] {
    return [...this.#seats];
  }
}
