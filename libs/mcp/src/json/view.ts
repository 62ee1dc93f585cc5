import {
  decodeString,
  indexOfString,
  isWhitespace,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipWhitespace,
  stringEquals,
} from './bytes.js';
import { ALL_MARKS } from './marks.js';
import { eachItem, eachMember, indexMembers, type MemberIndex, SPAN_WIDTH } from './members.js';

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

const NO_SPANS: readonly number[] = [];
const LETTER_T = 0x74;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;

/**
 * A lazy reader over bytes that are already known to be valid JSON: nothing is materialised that nobody asks for, so
 * unknown fields and integers above 2^53 survive as the bytes they are. When keys repeat, the last one counts
 * (as JSON.parse); strict messages never get this far with duplicates.
 */
export class JsonView implements Span {
  /** Null: too many members to remember. */
  #index: MemberIndex | null | undefined;

  constructor(
    readonly bytes: Buffer,
    readonly start: number,
    readonly end: number,
    index?: MemberIndex,
  ) {
    this.#index = index;
  }

  /** A view of a whole buffer that holds one JSON value; surrounding white space is skipped. Does not validate. */
  static of(bytes: Buffer): JsonView {
    const start = skipWhitespace(bytes, 0);
    let end = bytes.length;
    while (end > start && isWhitespace(bytes[end - 1])) end--;
    return new JsonView(bytes, start, end);
  }

  get type(): JsonType {
    switch (this.bytes[this.start]) {
      case OPEN_BRACE:
        return 'object';
      case OPEN_BRACKET:
        return 'array';
      case QUOTE:
        return 'string';
      case LETTER_T:
      case LETTER_F:
        return 'boolean';
      case LETTER_N:
        return 'null';
      default:
        return 'number';
    }
  }

  /** Which of `MARKS` occur in it, of a whole message that was scanned; all of them where nobody looked. */
  get marks(): number {
    return this.#index?.marks ?? ALL_MARKS;
  }

  /** Value of an object's member; undefined when absent or when this is not an object. */
  get(key: string): JsonView | undefined {
    if (this.bytes[this.start] !== OPEN_BRACE) return undefined;
    const index = this.#members();
    if (!index) return this.#search(key);
    const { spans } = index;
    for (let at = spans.length - SPAN_WIDTH; at >= 0; at -= SPAN_WIDTH) {
      if (stringEquals(this.bytes, spans[at]!, spans[at + 1]!, key)) return this.#child(index, at);
    }
    return undefined;
  }

  /** The values of several members, each as `get` finds it, in one pass. */
  pick(keys: readonly string[]): (JsonView | undefined)[] {
    const found = new Array<JsonView | undefined>(keys.length).fill(undefined);
    if (this.bytes[this.start] !== OPEN_BRACE) return found;
    const index = this.#members();
    if (!index) return keys.map((key) => this.#search(key));
    const { spans } = index;
    for (let at = 0; at < spans.length; at += SPAN_WIDTH) {
      const key = indexOfString(this.bytes, spans[at]!, spans[at + 1]!, keys);
      if (key >= 0) found[key] = this.#child(index, at);
    }
    return found;
  }

  /** Whether this is an object with such a member. */
  has(key: string): boolean {
    const { spans } = this;
    if (!spans) return this.get(key) !== undefined;
    for (let at = 0; at < spans.length; at += SPAN_WIDTH) {
      if (stringEquals(this.bytes, spans[at]!, spans[at + 1]!, key)) return true;
    }
    return false;
  }

  /**
   * Where the members lie, four numbers for each: key with its quotes, value. None when this is not an object, undefined when
   * it has more members than are remembered, which `forEachMember` visits.
   */
  get spans(): readonly number[] | undefined {
    if (this.bytes[this.start] !== OPEN_BRACE) return NO_SPANS;
    return this.#members()?.spans;
  }

  /** Walks `get` down a path of keys. */
  at(...path: string[]): JsonView | undefined {
    let view: JsonView | undefined = this;
    for (const key of path) view = view?.get(key);
    return view;
  }

  /** Members in order; empty when this is not an object. */
  members(): JsonMember[] {
    const found: JsonMember[] = [];
    if (this.bytes[this.start] !== OPEN_BRACE) return found;
    const index = this.#members();
    const add = (keyStart: number, keyEnd: number, value: JsonView) => {
      found.push({
        key: decodeString(this.bytes, keyStart, keyEnd),
        keySpan: { start: keyStart, end: keyEnd },
        value,
      });
      return true;
    };
    if (index) {
      for (let at = 0; at < index.spans.length; at += SPAN_WIDTH) {
        add(index.spans[at]!, index.spans[at + 1]!, this.#child(index, at));
      }
    } else {
      eachMember(this.bytes, this.start, this.end, (keyStart, keyEnd, start, end) =>
        add(keyStart, keyEnd, new JsonView(this.bytes, start, end)),
      );
    }
    return found;
  }

  /** The spans of the keys alone, quotes included; nothing is decoded. */
  forEachKey(visit: (start: number, end: number) => void): void {
    this.forEachMember((start, end) => visit(start, end));
  }

  /** Where each member lies, key and value, with nothing decoded or made. */
  forEachMember(visit: (keyStart: number, keyEnd: number, start: number, end: number) => void): void {
    const { spans } = this;
    if (spans) {
      for (let at = 0; at < spans.length; at += SPAN_WIDTH) {
        visit(spans[at]!, spans[at + 1]!, spans[at + 2]!, spans[at + 3]!);
      }
    } else {
      eachMember(this.bytes, this.start, this.end, (keyStart, keyEnd, start, end) => {
        visit(keyStart, keyEnd, start, end);
        return true;
      });
    }
  }

  /** Elements in order; empty when this is not an array. */
  items(): JsonView[] {
    const found: JsonView[] = [];
    this.forEachItem((item) => found.push(item));
    return found;
  }

  /** `items` without the array: for lists whose length nobody has bounded. */
  forEachItem(visit: (item: JsonView) => void): void {
    if (this.bytes[this.start] !== OPEN_BRACKET) return;
    eachItem(this.bytes, this.start, this.end, (start, end) => visit(new JsonView(this.bytes, start, end)));
  }

  /** The decoded string, or undefined when this is not a string. */
  string(): string | undefined {
    return this.bytes[this.start] === QUOTE ? decodeString(this.bytes, this.start, this.end) : undefined;
  }

  /** Whether this is a string that decodes to `text`. */
  equals(text: string): boolean {
    return this.bytes[this.start] === QUOTE && stringEquals(this.bytes, this.start, this.end, text);
  }

  /** The value as it is spelled. */
  text(): string {
    return this.bytes.toString('utf8', this.start, this.end);
  }

  /** JSON.parse of just this value. */
  value(): unknown {
    return JSON.parse(this.bytes.toString('utf8', this.start, this.end));
  }

  /** The bytes of just this value (shared memory, not a copy). */
  raw(): Buffer {
    if (this.start === 0 && this.end === this.bytes.length) return this.bytes;
    return this.bytes.subarray(this.start, this.end);
  }

  #members(): MemberIndex | null {
    if (this.#index === undefined) this.#index = indexMembers(this.bytes, this.start, this.end) ?? null;
    return this.#index;
  }

  #child(index: MemberIndex, at: number): JsonView {
    const start = index.spans[at + 2]!;
    return new JsonView(this.bytes, start, index.spans[at + 3]!, index.nestedAt(start));
  }

  #search(key: string): JsonView | undefined {
    let found: JsonView | undefined;
    eachMember(this.bytes, this.start, this.end, (keyStart, keyEnd, start, end) => {
      if (stringEquals(this.bytes, keyStart, keyEnd, key)) found = new JsonView(this.bytes, start, end);
      return true;
    });
    return found;
  }
}
