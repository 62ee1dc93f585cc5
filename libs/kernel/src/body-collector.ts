/** A buffer of the announced size is made once this part of it has arrived: who announces much and sends nothing gets none. */
const TRUSTED_PART = 1 / 4;

const NOTHING = Buffer.alloc(0);

/**
 * Puts a body together. What comes in one piece stays as it came. Of what comes in several and was announced, each byte is
 * copied once, to where it stays, and the pieces are given back at once: as garbage outside of the heap they would bring
 * on a full collection every few megabytes. A chunk belongs to the collector once it was added.
 */
export class BodyCollector {
  readonly #announced: number;
  #size = 0;
  /** What has no place in `#whole` yet. */
  #first: Buffer | undefined;
  #others: Buffer[] | undefined;
  #whole: Buffer | undefined;
  /** Copied; whoever handed it over may look at it until the next one comes. */
  #copied: Buffer | undefined;

  /** `announced` is the length the sender told, if it did. */
  constructor(announced?: number) {
    this.#announced = announced ?? 0;
  }

  /** Bytes that have arrived. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of memory they take up. */
  get held(): number {
    return this.#whole?.length ?? this.#size;
  }

  add(chunk: Buffer): void {
    const before = this.#size;
    this.#size += chunk.length;
    if (this.#copied) release(this.#copied);
    this.#copied = undefined;
    if (this.#whole) {
      this.#append(this.#whole, chunk, before);
      return;
    }
    if (!this.#first) this.#first = chunk;
    else if (!this.#others) this.#others = [chunk];
    else this.#others.push(chunk);
    if (this.#size < this.#announced && this.#size >= this.#announced * TRUSTED_PART) this.#gather();
  }

  /** All that was added. */
  take(): Buffer {
    if (this.#whole) return this.#size < this.#whole.length ? this.#whole.subarray(0, this.#size) : this.#whole;
    const first = this.#first ?? NOTHING;
    return this.#others ? Buffer.concat([first, ...this.#others], this.#size) : first;
  }

  #append(whole: Buffer, chunk: Buffer, at: number): void {
    if (this.#size > whole.length) {
      // More than was announced.
      this.#first = whole.subarray(0, at);
      this.#others = [chunk];
      this.#whole = undefined;
      return;
    }
    chunk.copy(whole, at);
    this.#copied = chunk;
  }

  #gather(): void {
    const whole = Buffer.allocUnsafeSlow(this.#announced);
    let at = 0;
    for (const piece of [this.#first as Buffer, ...(this.#others ?? [])]) {
      at += piece.copy(whole, at);
      if (this.#copied) release(this.#copied);
      this.#copied = piece;
    }
    this.#first = undefined;
    this.#others = undefined;
    this.#whole = whole;
  }
}

/** Frees the memory of a chunk that has it to itself. */
function release(chunk: Buffer): void {
  const { buffer } = chunk;
  if (chunk.length !== buffer.byteLength || chunk.length === 0) return;
  (buffer as ArrayBuffer & { transfer(length: number): ArrayBuffer }).transfer(0);
}
