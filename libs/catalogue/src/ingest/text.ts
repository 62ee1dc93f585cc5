/** Longest name accepted, in UTF-8 bytes. */
export const MAX_NAME_BYTES = 8 * 1024;
/** Longest URI or template accepted from an upstream: with a prefix it is still within `MAX_NAME_BYTES`. */
export const MAX_URI_BYTES = MAX_NAME_BYTES - 64;

// Lone surrogates cannot be written as UTF-8, so a name with one would come back as another name.
const CONTROL = /[\p{Cc}\p{Cs}]/u;
// Characters that reorder or hide what people read: zero-width, bidirectional overrides, tag characters.
const DECEPTIVE = /[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u;

/** What is wrong with the name of a tool or prompt, or undefined. */
export function nameFault(name: string): string | undefined {
  const fault = uriFault(name, MAX_NAME_BYTES);
  if (fault) return fault;
  return DECEPTIVE.test(name) ? 'holds invisible or direction-changing characters' : undefined;
}

/** What is wrong with a URI or URI template, or undefined. Its syntax is the owner's business. */
export function uriFault(uri: string, maxBytes: number = MAX_URI_BYTES): string | undefined {
  if (uri === '') return 'is empty';
  if (Buffer.byteLength(uri) > maxBytes) return `is longer than ${maxBytes} bytes`;
  return CONTROL.test(uri) ? 'holds control characters' : undefined;
}

/** A name that may be hostile, fit for a log line or a status page. */
export function printable(name: string): string {
  const cut = name.length > 128 ? `${name.slice(0, 128)}…` : name;
  return cut.replace(/[\p{Cc}\p{Cs}\p{Cf}]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
