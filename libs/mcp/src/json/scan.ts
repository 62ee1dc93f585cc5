import { isUtf8 } from 'node:buffer';
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  decodeString,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipWhitespace,
  stringEquals,
} from './bytes.js';
import { escapeLength, firstBadByte, hex, number, quoted, word } from './lexemes.js';
import { ALL_MARKS, keyMark, valueMark } from './marks.js';
import { MemberIndex } from './members.js';
import { hashStep, UniqueKeys } from './unique-keys.js';
import { JsonView } from './view.js';
import { skipPlain, wordsOf } from './words.js';

export interface ScanLimits {
  /** Deepest nesting accepted, counting the outermost value as 1. */
  readonly depth: number;
  /** Most values (objects, arrays, scalars) accepted. */
  readonly nodes: number;
  /** Whether a repeated object key (compared decoded) is refused. */
  readonly uniqueKeys: boolean;
}

/** `syntax`: not JSON, or not UTF-8. The others: valid so far, but beyond what `ScanLimits` accepts. */
export type ScanFaultKind = 'syntax' | 'depth' | 'nodes' | 'duplicate';

export interface ScanFault {
  readonly kind: ScanFaultKind;
  readonly offset: number;
  readonly reason: string;
}

/** Objects nested deeper than this are not indexed. */
const INDEXED_LEVELS = 3;

/** Levels there is always room for; what a deeper message needed is given back. */
const KEPT_LEVELS = 1024;

/** 1: may stand in a string as it is. */
const PLAIN = new Uint8Array(256).fill(1);
PLAIN.fill(0, 0, 0x20);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

/** So much of a string is read byte by byte before it counts as a long one. */
const SHORT_STRING = 256;

/**
 * One strict pass over the bytes: RFC 8259 grammar, valid UTF-8, no BOM, nothing behind the value, depth and node
 * limits, unique keys. Returns a view whose first three levels of members are indexed, or the fault.
 */
export function scan(bytes: Buffer, limits: ScanLimits): JsonView | ScanFault {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return { kind: 'syntax', offset: 0, reason: 'a byte order mark, which JSON does not allow' };
  }
  if (!isUtf8(bytes)) return { kind: 'syntax', offset: firstBadByte(bytes), reason: 'bytes that are not UTF-8' };
  scanner.begin(bytes, limits);
  const view = scanner.run();
  const fault = scanner.fault;
  scanner.release();
  return fault ?? view;
}

/**
 * The state of one pass. There is one instance, used again and again: a pass is synchronous, and so nothing is
 * allocated per value.
 */
class Scanner {
  fault: ScanFault | undefined;
  #bytes: Buffer = EMPTY;
  #limits: ScanLimits = { depth: 0, nodes: 0, uniqueKeys: false };
  #pos = 0;
  #depth = 0;
  #marks = 0;
  /** Per level: 1 for an object, 0 for an array. */
  #isObject = new Uint8Array(KEPT_LEVELS);
  /** Indexes of the open objects by level, 1 to INDEXED_LEVELS. */
  readonly #indexes: (MemberIndex | undefined)[] = [undefined, undefined, undefined, undefined];
  #root: MemberIndex | undefined;
  /** The same bytes as words, once there was a long string. */
  #words: Int32Array | undefined;
  readonly #keys = new UniqueKeys();

  begin(bytes: Buffer, limits: ScanLimits): void {
    this.fault = undefined;
    this.#bytes = bytes;
    this.#limits = limits;
    this.#pos = 0;
    this.#depth = 0;
    this.#marks = 0;
    this.#root = undefined;
    this.#indexes.fill(undefined);
  }

  /** Lets go of the message. */
  release(): void {
    this.#bytes = EMPTY;
    this.#words = undefined;
    this.#root = undefined;
    this.#indexes.fill(undefined);
    this.#keys.reset();
    if (this.#isObject.length > KEPT_LEVELS) this.#isObject = new Uint8Array(KEPT_LEVELS);
  }

  run(): JsonView {
    const bytes = this.#bytes;
    const start = skipWhitespace(bytes, 0);
    this.#pos = start;
    const accepted = this.#values();
    const end = this.#pos;
    if (accepted) {
      const rest = skipWhitespace(bytes, end);
      if (rest < bytes.length) this.#fail(rest, `unexpected ${this.#found(rest)} behind the end of the JSON value`);
    }
    if (this.#root) this.#root.marks = this.#marks;
    return new JsonView(bytes, start, end, this.#root);
  }

  /** Reads one value with everything inside. `#pos` is behind it when this returns true. */
  #values(): boolean {
    const bytes = this.#bytes;
    const maxNodes = this.#limits.nodes;
    let nodes = 0;
    for (;;) {
      // A value begins here.
      if (++nodes > maxNodes) return this.#fail(this.#pos, `more than ${maxNodes} values`, 'nodes');
      const byte = bytes[this.#pos];
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (!this.#open(byte)) return false;
        this.#pos = skipWhitespace(bytes, this.#pos + 1);
        if (byte === OPEN_BRACKET) {
          if (bytes[this.#pos] !== CLOSE_BRACKET) continue;
          this.#close();
        } else {
          if (bytes[this.#pos] !== CLOSE_BRACE) {
            if (!this.#key()) return false;
            continue;
          }
          this.#close();
        }
      } else if (byte === QUOTE) {
        const start = this.#pos;
        if (!this.#string(start + 1)) return false;
        this.#marks |= valueMark(bytes, start, this.#pos);
      } else if (!this.#scalar(byte)) {
        return false;
      }

      // A value ended here, and perhaps the ones around it.
      for (;;) {
        const depth = this.#depth;
        if (depth === 0) return true;
        if (depth <= INDEXED_LEVELS) this.#valueEnds(depth);
        this.#pos = skipWhitespace(bytes, this.#pos);
        const next = bytes[this.#pos];
        const inObject = this.#isObject[depth] === 1;
        if (next === COMMA) {
          this.#pos = skipWhitespace(bytes, this.#pos + 1);
          if (inObject && !this.#key()) return false;
          break;
        }
        if (next !== (inObject ? CLOSE_BRACE : CLOSE_BRACKET)) {
          const wanted = inObject ? "',' or '}'" : "',' or ']'";
          return this.#fail(this.#pos, `expected ${wanted} but found ${this.#found(this.#pos)}`);
        }
        this.#close();
      }
    }
  }

  #open(byte: number): boolean {
    const depth = this.#depth + 1;
    if (depth > this.#limits.depth) {
      return this.#fail(this.#pos, `nesting deeper than ${this.#limits.depth} levels`, 'depth');
    }
    if (depth >= this.#isObject.length) {
      const larger = new Uint8Array(this.#isObject.length * 2);
      larger.set(this.#isObject);
      this.#isObject = larger;
    }
    this.#depth = depth;
    const isObject = byte === OPEN_BRACE;
    this.#isObject[depth] = isObject ? 1 : 0;
    if (isObject && this.#limits.uniqueKeys) this.#keys.open();
    if (depth <= INDEXED_LEVELS) this.#indexes[depth] = isObject ? this.#indexFor(depth) : undefined;
    return true;
  }

  #close(): void {
    if (this.#limits.uniqueKeys && this.#isObject[this.#depth] === 1) this.#keys.close();
    this.#depth--;
    this.#pos++;
  }

  /** An index for the object that opens here, when it is the root, its params, result or error, or their `_meta`. */
  #indexFor(depth: number): MemberIndex | undefined {
    const parent = depth > 1 ? this.#indexes[depth - 1] : undefined;
    if (depth > 1 && !(parent && this.#isIndexedMember(parent.spans, depth))) return undefined;
    const index = new MemberIndex(this.#pos);
    if (parent) {
      if (parent.nested) parent.nested.push(index);
      else parent.nested = [index];
    } else {
      this.#root = index;
    }
    return index;
  }

  #isIndexedMember(spans: readonly number[], depth: number): boolean {
    const start = spans[spans.length - 4]!;
    const end = spans[spans.length - 3]!;
    if (depth === INDEXED_LEVELS) return stringEquals(this.#bytes, start, end, '_meta');
    return (
      stringEquals(this.#bytes, start, end, 'params') ||
      stringEquals(this.#bytes, start, end, 'result') ||
      stringEquals(this.#bytes, start, end, 'error')
    );
  }

  /** Reads a key and its colon; leaves `#pos` where the value begins. */
  #key(): boolean {
    const bytes = this.#bytes;
    const start = this.#pos;
    if (bytes[start] !== QUOTE) return this.#fail(start, `expected a key in quotes but found ${this.#found(start)}`);
    let hash = 0;
    let at = start + 1;
    for (let byte = bytes[at]; byte !== undefined && PLAIN[byte] === 1; byte = bytes[++at]) hash = hashStep(hash, byte);
    const escaped = bytes[at] !== QUOTE;
    if (escaped) {
      this.#marks = ALL_MARKS;
      if (!this.#string(at)) return false;
    } else {
      this.#marks |= keyMark(at - start - 1, hash);
      this.#pos = at + 1;
    }
    const end = this.#pos;
    if (this.#limits.uniqueKeys && this.#keys.repeats(bytes, start, end, hash, escaped)) {
      return this.#fail(start, `the key ${quoted(decodeString(bytes, start, end))} repeats in one object`, 'duplicate');
    }
    const colon = skipWhitespace(bytes, end);
    if (bytes[colon] !== COLON) return this.#fail(colon, `expected ':' but found ${this.#found(colon)}`);
    this.#pos = skipWhitespace(bytes, colon + 1);
    if (this.#depth <= INDEXED_LEVELS) this.#keyEnds(start, end);
    return true;
  }

  #keyEnds(start: number, end: number): void {
    const index = this.#indexes[this.#depth];
    if (!index) return;
    if (index.full) this.#forget(index);
    else index.spans.push(start, end, this.#pos, 0);
  }

  #valueEnds(depth: number): void {
    const spans = this.#indexes[depth]?.spans;
    if (spans) spans[spans.length - 1] = this.#pos;
  }

  /** An object with too many members loses its index; so do those it holds. */
  #forget(index: MemberIndex): void {
    const depth = this.#depth;
    this.#indexes[depth] = undefined;
    if (depth === 1) {
      this.#root = undefined;
      return;
    }
    const siblings = this.#indexes[depth - 1]?.nested;
    siblings?.splice(siblings.indexOf(index), 1);
  }

  /** Reads on in a string up to behind its closing quote. */
  #string(from: number): boolean {
    const bytes = this.#bytes;
    let at = from;
    for (;;) {
      const near = at + SHORT_STRING;
      let byte = bytes[at];
      while (byte !== undefined && PLAIN[byte] === 1) {
        if (++at === near) {
          this.#words ??= wordsOf(bytes);
          at = skipPlain(bytes, this.#words, at);
        }
        byte = bytes[at];
      }
      if (byte === QUOTE) {
        this.#pos = at + 1;
        return true;
      }
      if (byte !== BACKSLASH) {
        const what = byte === undefined ? 'the end of the input' : `the control character ${hex(byte)}`;
        return this.#fail(at, `unexpected ${what} inside a string`);
      }
      const length = escapeLength(bytes, at);
      if (length === 0) return this.#fail(at, 'an escape sequence that JSON does not know');
      at += length;
    }
  }

  /** A number or one of the three words. */
  #scalar(byte: number | undefined): boolean {
    const start = this.#pos;
    const end =
      byte === 0x74
        ? word(this.#bytes, start, 'true')
        : byte === 0x66
          ? word(this.#bytes, start, 'false')
          : byte === 0x6e
            ? word(this.#bytes, start, 'null')
            : number(this.#bytes, start);
    if (end < 0) return this.#fail(start, `expected a value but found ${this.#found(start)}`);
    this.#pos = end;
    return true;
  }

  #found(at: number): string {
    const byte = this.#bytes[at];
    if (byte === undefined) return 'the end of the input';
    return byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `the byte ${hex(byte)}`;
  }

  #fail(offset: number, reason: string, kind: ScanFaultKind = 'syntax'): false {
    this.fault = { kind, offset, reason };
    return false;
  }
}

const EMPTY = Buffer.alloc(0);
const scanner = new Scanner();
