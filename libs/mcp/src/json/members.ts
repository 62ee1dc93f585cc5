import { CLOSE_BRACE, COMMA, skipString, skipValue, skipWhitespace } from './bytes.js';
import { ALL_MARKS } from './marks.js';

/** Numbers per member in `MemberIndex.spans`: key start, key end, value start, value end. */
export const SPAN_WIDTH = 4;

/** Objects with more members than this are read forward each time instead of being remembered. */
const MAX_INDEXED = 1024;

/** Where the members of one object lie, and the indexes of those of its members that were indexed too. */
export class MemberIndex {
  readonly spans: number[] = [];
  nested: MemberIndex[] | undefined = undefined;
  /** Of a whole message that was scanned, else all. */
  marks = ALL_MARKS;

  constructor(readonly start: number) {}

  get full(): boolean {
    return this.spans.length >= MAX_INDEXED * SPAN_WIDTH;
  }

  nestedAt(start: number): MemberIndex | undefined {
    const { nested } = this;
    if (nested) for (const index of nested) if (index.start === start) return index;
    return undefined;
  }
}

/** Walks the members of the object at `start`, whose bytes are known to be valid. Stops when `visit` returns false. */
export function eachMember(
  bytes: Buffer,
  start: number,
  end: number,
  visit: (keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => boolean | undefined,
): void {
  let at = skipWhitespace(bytes, start + 1);
  while (at < end && bytes[at] !== CLOSE_BRACE) {
    const keyStart = at;
    const keyEnd = skipString(bytes, keyStart);
    const valueStart = skipWhitespace(bytes, skipWhitespace(bytes, keyEnd) + 1);
    const valueEnd = skipValue(bytes, valueStart, end);
    if (visit(keyStart, keyEnd, valueStart, valueEnd) === false) return;
    at = skipWhitespace(bytes, valueEnd);
    if (bytes[at] === COMMA) at = skipWhitespace(bytes, at + 1);
  }
}

/** Walks the elements of the array at `start`, whose bytes are known to be valid. */
export function eachItem(
  bytes: Buffer,
  start: number,
  end: number,
  visit: (valueStart: number, valueEnd: number) => void,
): void {
  let at = skipWhitespace(bytes, start + 1);
  while (at < end - 1) {
    const valueEnd = skipValue(bytes, at, end);
    visit(at, valueEnd);
    at = skipWhitespace(bytes, valueEnd);
    if (bytes[at] !== COMMA) return;
    at = skipWhitespace(bytes, at + 1);
  }
}

/** The index of an object, or undefined when it has more than `MAX_INDEXED` members. */
export function indexMembers(bytes: Buffer, start: number, end: number): MemberIndex | undefined {
  const index = new MemberIndex(start);
  let complete = true;
  eachMember(bytes, start, end, (keyStart, keyEnd, valueStart, valueEnd) => {
    complete = !index.full;
    if (complete) index.spans.push(keyStart, keyEnd, valueStart, valueEnd);
    return complete;
  });
  return complete ? index : undefined;
}
