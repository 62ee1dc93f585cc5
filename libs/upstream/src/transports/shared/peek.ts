const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/** What a transport must know of a message, and no more. */
export type Peeked =
  /** `id` is set when it is a whole number, as every id the gateway mints; `failed` when it carries an error. */
  | { readonly kind: 'response'; readonly id: number | undefined; readonly failed: boolean }
  | { readonly kind: 'other' }
  | { readonly kind: 'batch' };

const OTHER: Peeked = { kind: 'other' };
const BATCH: Peeked = { kind: 'batch' };

/**
 * Looks at the top level of a JSON-RPC message: enough to tell a response from the rest, and a message from text that
 * merely landed on the same stream. Values are skipped, not validated; whoever reads the message does that.
 * Undefined when it is not a JSON object or array with the shape of one.
 */
export function peek(bytes: Buffer): Peeked | undefined {
  let at = skipSpace(bytes, 0);
  const last = lastByte(bytes);
  if (bytes[at] === OPEN_ARRAY) return last === CLOSE_ARRAY ? BATCH : undefined;
  if (bytes[at] !== OPEN_OBJECT || last !== CLOSE_OBJECT) return undefined;
  at = skipSpace(bytes, at + 1);
  let id: number | undefined;
  let idSeen = false;
  let outcome: 'result' | 'error' | undefined;
  while (bytes[at] === QUOTE) {
    const keyStart = at + 1;
    const keyEnd = endOfString(bytes, at);
    if (keyEnd === -1) return undefined;
    at = skipSpace(bytes, keyEnd);
    if (bytes[at] !== COLON) return undefined;
    at = skipSpace(bytes, at + 1);
    const length = keyEnd - 1 - keyStart;
    if (length === 6 && matches(bytes, keyStart, 'method')) return OTHER;
    if (length === 6 && matches(bytes, keyStart, 'result')) outcome = 'result';
    if (length === 5 && matches(bytes, keyStart, 'error')) outcome = 'error';
    if (outcome && idSeen) return { kind: 'response', id, failed: outcome === 'error' };
    const end = endOfValue(bytes, at);
    if (end === -1) return undefined;
    if (length === 2 && matches(bytes, keyStart, 'id')) {
      idSeen = true;
      id = wholeNumber(bytes, at, end);
      if (outcome) return { kind: 'response', id, failed: outcome === 'error' };
    }
    at = skipSpace(bytes, end);
    if (bytes[at] !== COMMA) break;
    at = skipSpace(bytes, at + 1);
  }
  if (bytes[at] !== CLOSE_OBJECT) return undefined;
  return outcome ? { kind: 'response', id: undefined, failed: outcome === 'error' } : OTHER;
}

/** The elements of a JSON array as slices of its bytes; undefined when it is malformed at the top. */
export function splitBatch(bytes: Buffer): Buffer[] | undefined {
  const items: Buffer[] = [];
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_ARRAY) return undefined;
  at = skipSpace(bytes, at + 1);
  while (at < bytes.length && bytes[at] !== CLOSE_ARRAY) {
    const end = endOfValue(bytes, at);
    if (end === -1) return undefined;
    items.push(bytes.subarray(at, end));
    at = skipSpace(bytes, end);
    if (bytes[at] !== COMMA) break;
    at = skipSpace(bytes, at + 1);
  }
  return bytes[at] === CLOSE_ARRAY ? items : undefined;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  for (; ; at++) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
  }
}

function lastByte(bytes: Buffer): number | undefined {
  let at = bytes.length - 1;
  while (at >= 0 && (bytes[at] as number) <= 0x20) at--;
  return bytes[at];
}

function matches(bytes: Buffer, from: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[from + i] !== word.charCodeAt(i)) return false;
  return true;
}

/** Index behind the closing quote of the string that opens at `from`, or -1. */
function endOfString(bytes: Buffer, from: number): number {
  const near = Math.min(bytes.length, from + 64);
  let at = from + 1;
  for (; at < near; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at++;
  }
  // Long strings are where the bytes are: let the native search run over them.
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at);
    if (quote === -1) return -1;
    let slashes = 0;
    while (quote - 1 - slashes >= at && bytes[quote - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** Index behind the value that starts at `from`, or -1 when nothing like a value is there. */
function endOfValue(bytes: Buffer, from: number): number {
  const first = bytes[from];
  if (first === QUOTE) return endOfString(bytes, from);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return endOfNested(bytes, from);
  let at = from;
  while (at < bytes.length && isScalarByte(bytes[at] as number)) at++;
  return at > from && startsScalar(first as number) ? at : -1;
}

function endOfNested(bytes: Buffer, from: number): number {
  let depth = 0;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = endOfString(bytes, at) - 1;
      if (at < 0) return -1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --depth === 0) return at + 1;
  }
  return -1;
}

/** Digits, sign, point, exponent, and the letters of true, false and null. */
function isScalarByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    byte === 0x45
  );
}

function startsScalar(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x74 || byte === 0x66 || byte === 0x6e;
}

function wholeNumber(bytes: Buffer, from: number, end: number): number | undefined {
  if (end - from > 16 || end === from) return undefined;
  let value = 0;
  for (let at = from; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}
