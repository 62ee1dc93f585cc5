import { randomInt } from 'node:crypto';

/** Slots of a map with something in it; a power of two, as every capacity. */
const SMALL = 4;
/** Slots an empty map may keep for what comes next. */
const KEPT = 16;
/** Of a map that is empty: one slot for all of them, which is never written to. */
const NONE: undefined[] = new Array(1).fill(undefined);

/**
 * A map whose entries live for a moment, such as calls in flight. V8's Map leaves its outgrown tables pointing at their
 * successors: once one of them is promoted, everything that ever was in the map stays in memory until a full collection,
 * which costs more than the map itself. This one writes in place (open addressing, and what is deleted closes the gap).
 * It shrinks when it runs empty, and weighs nothing until something is in it. Order means nothing.
 */
export class ChurnMap<K extends string | number, V> {
  #keys: (K | undefined)[] = NONE;
  #values: (V | undefined)[] = NONE;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: K): boolean {
    return this.#size > 0 && this.#keys[this.#slotOf(key)] !== undefined;
  }

  get(key: K): V | undefined {
    // Many are empty, and are asked all the same: a key need not be hashed for that.
    return this.#size > 0 ? this.#values[this.#slotOf(key)] : undefined;
  }

  set(key: K, value: V): void {
    let slot = this.#slotOf(key);
    if (this.#keys[slot] === undefined) {
      if (++this.#size * 2 > this.#keys.length) {
        this.#resize(Math.max(SMALL, this.#keys.length * 2));
        slot = this.#slotOf(key);
      }
      this.#keys[slot] = key;
    }
    this.#values[slot] = value;
  }

  delete(key: K): boolean {
    if (this.#size === 0) return false;
    const slot = this.#slotOf(key);
    if (this.#keys[slot] === undefined) return false;
    if (--this.#size === 0 && this.#keys.length > KEPT) this.clear();
    else this.#vacate(slot);
    return true;
  }

  clear(): void {
    this.#size = 0;
    this.#keys = NONE;
    this.#values = NONE;
  }

  /** A copy: what is done to the map meanwhile does not show. */
  entries(): [K, V][] {
    const entries: [K, V][] = [];
    for (let slot = 0; slot < this.#keys.length; slot++) {
      const key = this.#keys[slot];
      if (key !== undefined) entries.push([key, this.#values[slot] as V]);
    }
    return entries;
  }

  /** A copy as well. */
  values(): V[] {
    return this.entries().map(([, value]) => value);
  }

  /** Where a key is, or would be. */
  #slotOf(key: K): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let slot = hash(key) & mask;
    for (;;) {
      const found = keys[slot];
      if (found === undefined || found === key) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Moves those behind a gap into it whose way from their own slot leads across it. */
  #vacate(gap: number): void {
    const [keys, values] = [this.#keys, this.#values];
    const mask = keys.length - 1;
    for (let slot = (gap + 1) & mask; ; slot = (slot + 1) & mask) {
      const key = keys[slot];
      if (key === undefined) break;
      if (((slot - hash(key)) & mask) < ((slot - gap) & mask)) continue;
      keys[gap] = key;
      values[gap] = values[slot];
      gap = slot;
    }
    keys[gap] = undefined;
    values[gap] = undefined;
  }

  #resize(capacity: number): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Array(capacity).fill(undefined);
    this.#values = new Array(capacity).fill(undefined);
    for (let from = 0; from < keys.length; from++) {
      const key = keys[from];
      if (key === undefined) continue;
      const slot = this.#slotOf(key);
      this.#keys[slot] = key;
      this.#values[slot] = values[from];
    }
  }
}

/** Another one in each process: strangers choose keys, and must not know which of them meet in one slot. */
const SEED = randomInt(2 ** 32);

/** FNV-1a over the characters; numbers, which are minted in order, spread by themselves. */
function hash(key: string | number): number {
  if (typeof key === 'number') return key | 0;
  let state = SEED;
  for (let index = 0; index < key.length; index++) state = Math.imul(state ^ key.charCodeAt(index), 0x01000193);
  return state ^ (state >>> 15);
}
