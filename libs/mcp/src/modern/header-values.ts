import { isUtf8 } from 'node:buffer';

const PREFIX = '=?base64?';
const SUFFIX = '?=';

/** What a header carries as it is: visible ASCII, spaces and tabs. */
const PLAIN = /^[\t\x20-\x7e]*$/;
const OPTIONAL_SPACE = /^[\t ]+|[\t ]+$/g;
const INTEGER = /^-?\d+(?:\.0+)?$/;
const DECIMAL = /^-?\d+(?:\.\d+)?$/;

/**
 * Spells a value for `Mcp-Name` or `Mcp-Param-*` (M:http): as it is when a header carries it unharmed, else
 * `=?base64?…?=` around the Base64 of its UTF-8. So is an empty value, since some intermediaries drop empty headers, and
 * one that looks encoded. Unpaired surrogates, which UTF-8 cannot express, become U+FFFD.
 */
export function encodeHeaderValue(value: string): string {
  const plain = value !== '' && !hasEdgeSpace(value) && !looksEncoded(value) && PLAIN.test(value);
  return plain ? value : `${PREFIX}${Buffer.from(value).toString('base64')}${SUFFIX}`;
}

/**
 * The value behind a raw header: white space around it stripped, then decoded. Undefined when it must be refused
 * (M:http): bad Base64, bad padding, bytes that are not UTF-8, or characters a header must not carry as they are. The
 * prefix without the suffix, or in another case, is a plain value.
 */
export function decodeHeaderValue(raw: string): string | undefined {
  const value = hasEdgeSpace(raw) ? raw.replace(OPTIONAL_SPACE, '') : raw;
  if (!looksEncoded(value)) return PLAIN.test(value) ? value : undefined;
  if (value.length < PREFIX.length + SUFFIX.length) return undefined;
  const encoded = value.slice(PREFIX.length, -SUFFIX.length);
  const bytes = Buffer.from(encoded, 'base64');
  // Node's decoder takes nearly anything; what does not come out again as it went in was not Base64.
  if (bytes.toString('base64') !== encoded || !isUtf8(bytes)) return undefined;
  return bytes.toString();
}

/** Whether a raw header says the same as the body. Numbers compare by value: `42.0` is 42. */
export function headerEquals(raw: string, bodyValue: string | number | boolean): boolean {
  const value = decodeHeaderValue(raw);
  if (value === undefined) return false;
  if (value === String(bodyValue)) return true;
  if (typeof bodyValue !== 'number') return false;
  return (Number.isInteger(bodyValue) ? INTEGER : DECIMAL).test(value) && Number(value) === bodyValue;
}

function hasEdgeSpace(value: string): boolean {
  return isSpace(value.charCodeAt(0)) || isSpace(value.charCodeAt(value.length - 1));
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function looksEncoded(value: string): boolean {
  return value.startsWith(PREFIX) && value.endsWith(SUFFIX);
}
