import { createHash } from 'node:crypto';
import type { Spelling } from '#libs/kernel';

/** What every MCP client takes in a name (M:tools). */
const PLAIN = /^[A-Za-z0-9_.-]*$/;
const NOT_PLAIN = /[^A-Za-z0-9_.-]/gu;
/** Control, invisible and unpaired surrogate characters: never shown to anyone. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Cs}]/u;

const HASH_LENGTH = 6;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * What a client sees of `name` of the upstream with this prefix (null on a single-upstream endpoint). Names over
 * the limit or with characters outside `[A-Za-z0-9_.-]` become `<prefix><separator><sanitized, cut>_<6 base32 of
 * sha256(original)>`: deterministic, so replicas agree. The separator itself may be `:`. On a single-upstream endpoint
 * a name is left alone unless it is over the limit or holds control characters.
 *
 * Where the limit leaves no room behind the prefix, the prefix is cut too and the hash covers it; the result never
 * exceeds `maxLength`.
 */
export function exposedName(prefix: string | null, name: string, spelling: Spelling): string {
  const head = prefix === null ? '' : prefix + spelling.separator;
  const fits = head.length + name.length <= spelling.maxLength;
  if (fits && (prefix === null ? !UNFIT.test(name) : PLAIN.test(name))) return head + name;

  const plain = name.replace(NOT_PLAIN, '_');
  const room = spelling.maxLength - head.length - HASH_LENGTH - 1;
  if (room >= 1) return `${head}${plain.slice(0, room)}_${hash(name)}`;
  const cut = (head + plain).slice(0, Math.max(0, spelling.maxLength - HASH_LENGTH - 1));
  const suffix = hash(JSON.stringify([prefix, name]));
  return cut === '' ? suffix.slice(0, Math.max(0, spelling.maxLength)) : `${cut}_${suffix}`;
}

function hash(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  const word = digest.readUInt32BE(0);
  let encoded = '';
  for (let bit = 27; encoded.length < HASH_LENGTH; bit -= 5) encoded += BASE32[(word >>> bit) & 31];
  return encoded;
}
