/** The bytes JSON is made of. */
export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;

const SPACE = 0x20;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export function isWhitespace(byte: number | undefined): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;
}

/** First offset at or behind `pos` that is not white space. */
export function skipWhitespace(bytes: Buffer, pos: number): number {
  let at = pos;
  while (isWhitespace(bytes[at])) at++;
  return at;
}

/** Strings longer than this are searched by the runtime's native code instead of a loop. */
const NATIVE_SEARCH = 48;

/** Offset behind the string that opens at `pos`. The bytes are known to be valid JSON. */
export function skipString(bytes: Buffer, pos: number): number {
  let at = pos + 1;
  const near = Math.min(at + NATIVE_SEARCH, bytes.length);
  while (at < near) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    at += byte === BACKSLASH ? 2 : 1;
  }
  for (let from = at; ; ) {
    const quote = bytes.indexOf(QUOTE, from);
    if (quote < 0) return bytes.length;
    let escapes = quote;
    while (escapes > at && bytes[escapes - 1] === BACKSLASH) escapes--;
    if ((quote - escapes) % 2 === 0) return quote + 1;
    from = quote + 1;
  }
}

/** Offset behind the value that starts at `pos`. The bytes are known to be valid JSON. */
export function skipValue(bytes: Buffer, pos: number, end: number): number {
  let at = pos;
  for (let depth = 0; at < end; ) {
    switch (bytes[at]) {
      case QUOTE:
        at = skipString(bytes, at);
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth++;
        at++;
        continue;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
        at++;
        break;
      default:
        if (depth > 0) {
          at++;
          continue;
        }
        return skipScalar(bytes, at, end);
    }
    if (depth === 0) return at;
  }
  return end;
}

function skipScalar(bytes: Buffer, pos: number, end: number): number {
  let at = pos;
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isWhitespace(byte)) break;
  }
  return at;
}

/** The string between two quotes (`start` and `end` include them), decoded. */
export function decodeString(bytes: Buffer, start: number, end: number): string {
  return hasEscape(bytes, start + 1, end - 1)
    ? (JSON.parse(bytes.toString('utf8', start, end)) as string)
    : bytes.toString('utf8', start + 1, end - 1);
}

function hasEscape(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > NATIVE_SEARCH) return bytes.subarray(start, end).includes(BACKSLASH);
  for (let at = start; at < end; at++) if (bytes[at] === BACKSLASH) return true;
  return false;
}

/** Whether the quoted string at `start`..`end` decodes to `text`. */
export function stringEquals(bytes: Buffer, start: number, end: number, text: string): boolean {
  const length = end - start - 2;
  if (length === text.length) return isSpelled(bytes, start + 1, text);
  // Every character takes a byte at least.
  if (length < text.length) return false;
  let at = start + 1;
  const last = end - 1;
  for (let i = 0; at < last; at++, i++) {
    const byte = bytes[at] as number;
    if (byte === BACKSLASH || byte >= 0x80) return decodeString(bytes, start, end) === text;
    if (byte !== text.charCodeAt(i)) return false;
  }
  return false;
}

/** Which of these texts the quoted string at `start`..`end` decodes to; -1 when it is none of them. */
export function indexOfString(bytes: Buffer, start: number, end: number, texts: readonly string[]): number {
  const length = end - start - 2;
  for (let index = 0; index < texts.length; index++) {
    const text = texts[index] as string;
    if (text.length === length && isSpelled(bytes, start + 1, text)) return index;
  }
  return isPlain(bytes, start + 1, end - 1) ? -1 : texts.indexOf(decodeString(bytes, start, end));
}

/** ASCII without escapes: as long in bytes as it is in characters. */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === BACKSLASH || byte >= 0x80) return false;
  }
  return true;
}

/**
 * Whether the bytes at `start` are these characters. Of strings with as many bytes as characters this is all there is to
 * find out: an escape, and whatever is not ASCII, takes more. From the end, since names of the protocol begin alike.
 */
function isSpelled(bytes: Buffer, start: number, text: string): boolean {
  for (let i = text.length - 1; i >= 0; i--) {
    const byte = bytes[start + i] as number;
    if (byte !== text.charCodeAt(i) || byte === BACKSLASH || byte >= 0x80) return false;
  }
  return true;
}
