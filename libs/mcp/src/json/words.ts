/** Four bytes at a time, each of them: what is looked for, and where a byte shows that it was found. */
const TWO = 0x02020202;
const BELOW = 0x21212121;
const BACKSLASHES = 0x5c5c5c5c;
const ONE = 0x01010101;
const HIGH = 0x80808080 | 0;

/** The bytes as 32-bit words, from the first aligned one to the last whole one. */
export function wordsOf(bytes: Buffer): Int32Array {
  const begin = (bytes.byteOffset + 3) & ~3;
  const end = (bytes.byteOffset + bytes.length) & ~3;
  return new Int32Array(bytes.buffer, begin, Math.max(0, end - begin) >> 2);
}

/**
 * Skips what may stand in a JSON string as it is: the offset of the first quote, backslash or control character at or behind
 * `from`, or of a byte shortly before it. The three bytes before `from` are known to be plain. Byte by byte, a megabyte of
 * text costs two milliseconds.
 *
 * Of a byte below 0x80, `x ^ 2` is below 0x21 where it is a control character or a quote, and `x ^ 0x5c` is below 1 where it
 * is a backslash. The subtraction then borrows into the byte's highest bit. What it borrows from the next byte makes at
 * most a second hit behind a true one.
 */
export function skipPlain(bytes: Buffer, words: Int32Array, from: number): number {
  const shift = words.byteOffset - bytes.byteOffset;
  const begin = (from - shift) >> 2;
  const last = words.length - 1;
  let index = begin;
  for (; index < last; index += 2) {
    const x = words[index] as number;
    const y = words[index + 1] as number;
    const hit =
      ((((x ^ TWO) - BELOW) | ((x ^ BACKSLASHES) - ONE)) & ~x) |
      ((((y ^ TWO) - BELOW) | ((y ^ BACKSLASHES) - ONE)) & ~y);
    if ((hit & HIGH) !== 0) break;
  }
  return Math.max(from, index * 4 + shift);
}
