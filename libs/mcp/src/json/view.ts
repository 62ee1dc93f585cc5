/** Half-open byte range. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type JsonType = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

export interface JsonMember {
  readonly key: string;
  /** From the key's opening quote to behind its closing quote. */
  readonly keySpan: Span;
  readonly value: JsonView;
}

/**
 * A lazy reader over bytes that are already known to be valid JSON: nothing is materialised that nobody asks for, so
 * unknown fields and integers above 2^53 survive as the bytes they are. When keys repeat, the last one counts
 * (as JSON.parse); strict messages never get this far with duplicates.
 */
export class JsonView implements Span {
  constructor(
    readonly bytes: Buffer,
    readonly start: number,
    readonly end: number,
  ) {}

  /** A view of a whole buffer that holds one JSON value; surrounding white space is skipped. Does not validate. */
  static of(_bytes: Buffer): JsonView {
    throw new Error('pending');
  }

  get type(): JsonType {
    throw new Error('pending');
  }

  /** Value of an object's member; undefined when absent or when this is not an object. */
  get(_key: string): JsonView | undefined {
    throw new Error('pending');
  }

  /** Walks `get` down a path of keys. */
  at(..._path: string[]): JsonView | undefined {
    throw new Error('pending');
  }

  /** Members in order; empty when this is not an object. */
  members(): JsonMember[] {
    throw new Error('pending');
  }

  /** Elements in order; empty when this is not an array. */
  items(): JsonView[] {
    throw new Error('pending');
  }

  /** The decoded string, or undefined when this is not a string. */
  string(): string | undefined {
    throw new Error('pending');
  }

  /** JSON.parse of just this value. */
  value(): unknown {
    throw new Error('pending');
  }

  /** The bytes of just this value (shared memory, not a copy). */
  raw(): Buffer {
    return this.bytes.subarray(this.start, this.end);
  }
}
