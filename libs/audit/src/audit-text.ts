import { maskSecrets, visibleJson } from '#libs/kernel';

const ELLIPSIS = '\\u2026';
/** Longest secret there is: one that stands across the cut is found before the cut is made. */
const MAX_SECRET = 64 * 1024;

/** Nothing in it has to be escaped: most names, and every word of ours. */
const PLAIN = /^[\w .:/@+*-]*$/;

/** A JSON string of at most so many bytes, on one line whatever is in the text; values of secrets are masked. */
export function jsonText(text: string, maxBytes: number): string {
  if (text.length + 2 <= maxBytes && PLAIN.test(text)) return `"${maskSecrets(text)}"`;
  let kept = maskSecrets(text.slice(0, maxBytes + MAX_SECRET));
  const masked = kept.length;
  kept = kept.slice(0, maxBytes);
  let json = spelled(kept);
  for (let size = Buffer.byteLength(json); size > maxBytes; size = Buffer.byteLength(json)) {
    kept = kept.slice(0, Math.floor((kept.length * (maxBytes - ELLIPSIS.length - 2)) / size));
    json = spelled(kept);
  }
  return kept.length < masked ? `${json.slice(0, -1)}${ELLIPSIS}"` : json;
}

/** JSON bytes of a whole value as text on one line: line breaks in valid JSON stand between tokens only. */
export function onOneLine(json: Buffer): string {
  return visibleJson(json.toString('utf8').replace(/[\n\r\t]/g, ' '));
}

function spelled(text: string): string {
  return visibleJson(JSON.stringify(text));
}
