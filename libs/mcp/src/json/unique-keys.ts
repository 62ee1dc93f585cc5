import { decodeString } from './bytes.js';

/** Up to this many keys an object's keys are compared by hash in a flat array; beyond, they move into a Set. */
const FLAT_KEYS = 32;
/** Numbers per remembered key: hash, start, end. */
const WIDTH = 3;

/**
 * Notices repeated keys within each open object, compared decoded. One instance serves all messages: scanning is
 * synchronous, so nothing is allocated until an object has many keys or an escaped one.
 */
export class UniqueKeys {
  #flat = new Int32Array(256 * WIDTH);
  #top = 0;
  /** Where each open object's keys begin in the flat array. */
  #bases: number[] = [];
  /** Keys of the open objects that have many. */
  readonly #sets = new Map<number, Set<string>>();

  reset(): void {
    this.#top = 0;
    this.#bases.length = 0;
    // Clearing an empty Map makes a new table all the same.
    if (this.#sets.size > 0) this.#sets.clear();
  }

  open(): void {
    this.#bases.push(this.#top);
  }

  close(): void {
    if (this.#sets.size > 0) this.#sets.delete(this.#bases.length);
    this.#top = this.#bases.pop() ?? 0;
  }

  /** Whether the innermost object has this key already. `hash` is that of the key's bytes as they are spelled. */
  repeats(bytes: Buffer, start: number, end: number, hash: number, escaped: boolean): boolean {
    const level = this.#bases.length;
    const many = this.#sets.size > 0 ? this.#sets.get(level) : undefined;
    if (many) {
      const key = decodeString(bytes, start, end);
      if (many.has(key)) return true;
      many.add(key);
      return false;
    }
    const code = escaped ? hashOf(decodeString(bytes, start, end)) : hash;
    const base = this.#bases[level - 1] as number;
    const flat = this.#flat;
    for (let at = base; at < this.#top; at += WIDTH) {
      if (flat[at] === code && sameKey(bytes, flat[at + 1]!, flat[at + 2]!, start, end)) return true;
    }
    if (this.#top - base >= FLAT_KEYS * WIDTH) {
      this.#sets.set(level, this.#moveToSet(bytes, base).add(decodeString(bytes, start, end)));
      return false;
    }
    this.#remember(code, start, end);
    return false;
  }

  #remember(hash: number, start: number, end: number): void {
    if (this.#top + WIDTH > this.#flat.length) {
      const larger = new Int32Array(this.#flat.length * 2);
      larger.set(this.#flat);
      this.#flat = larger;
    }
    this.#flat[this.#top] = hash;
    this.#flat[this.#top + 1] = start;
    this.#flat[this.#top + 2] = end;
    this.#top += WIDTH;
  }

  #moveToSet(bytes: Buffer, base: number): Set<string> {
    const keys = new Set<string>();
    for (let at = base; at < this.#top; at += WIDTH) {
      keys.add(decodeString(bytes, this.#flat[at + 1]!, this.#flat[at + 2]!));
    }
    this.#top = base;
    return keys;
  }
}

/** The step of the hash the scanner computes while it reads a key. */
export function hashStep(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

function hashOf(key: string): number {
  let hash = 0;
  for (const byte of Buffer.from(key)) hash = hashStep(hash, byte);
  return hash;
}

function sameKey(bytes: Buffer, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  if (end - start === otherEnd - otherStart && bytes.compare(bytes, otherStart, otherEnd, start, end) === 0)
    return true;
  return decodeString(bytes, start, end) === decodeString(bytes, otherStart, otherEnd);
}
