import { createHash } from 'node:crypto';
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  decodeString,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipString,
  skipValue,
  skipWhitespace,
} from '../json/bytes.js';
import type { JsonView } from '../json/view.js';

/** Members that a retry may have other values in, or not at all. */
const PER_ATTEMPT: ReadonlySet<string> = new Set(['_meta', 'inputResponses', 'requestState']);

/**
 * SHA-256 of what a request asks for: its params as canonical JSON, without `_meta`, `inputResponses` and `requestState`.
 * Members are sorted, strings compared decoded and numbers as they are spelled, so that a client may write the
 * same params again in another order but not other ones.
 */
export function paramsDigest(params: JsonView): Buffer {
  const canonical = new Canonical(params.bytes, params.start, params.end).text();
  return createHash('sha256').update(canonical).digest();
}

/** One pass over bytes that are known to be valid JSON. */
class Canonical {
  #at: number;

  constructor(
    private readonly bytes: Buffer,
    start: number,
    private readonly end: number,
  ) {
    this.#at = start;
  }

  text(): string {
    return this.#value(PER_ATTEMPT);
  }

  #value(without?: ReadonlySet<string>): string {
    const from = this.#at;
    switch (this.bytes[from]) {
      case OPEN_BRACE:
        return this.#object(without);
      case OPEN_BRACKET:
        return this.#array();
      case QUOTE:
        this.#at = skipString(this.bytes, from);
        return JSON.stringify(decodeString(this.bytes, from, this.#at));
      default:
        this.#at = skipValue(this.bytes, from, this.end);
        return this.bytes.toString('latin1', from, this.#at);
    }
  }

  #object(without?: ReadonlySet<string>): string {
    const members: [key: string, text: string][] = [];
    this.#step();
    while (this.bytes[this.#at] !== CLOSE_BRACE) {
      const from = this.#at;
      this.#at = skipString(this.bytes, from);
      const key = decodeString(this.bytes, from, this.#at);
      this.#skip();
      this.#step();
      const text = this.#value();
      if (!without?.has(key)) members.push([key, text]);
      this.#next();
    }
    this.#at++;
    members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${members.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`;
  }

  #array(): string {
    const items: string[] = [];
    this.#step();
    while (this.bytes[this.#at] !== CLOSE_BRACKET) {
      items.push(this.#value());
      this.#next();
    }
    this.#at++;
    return `[${items.join(',')}]`;
  }

  /** Over the separator that is here, and the white space around it. */
  #next(): void {
    this.#skip();
    if (this.bytes[this.#at] === COMMA) this.#step();
  }

  #step(): void {
    this.#at++;
    this.#skip();
  }

  #skip(): void {
    this.#at = skipWhitespace(this.bytes, this.#at);
  }
}
