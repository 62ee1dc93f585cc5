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
  let at = start + 1;
  const last = end - 1;
  for (let i = 0; at < last; at++, i++) {
    const byte = bytes[at] as number;
    if (byte === BACKSLASH || byte >= 0x80) return decodeString(bytes, start, end) === text;
    if (byte !== text.charCodeAt(i)) return false;
  }
  return last - start - 1 === text.length;
}
