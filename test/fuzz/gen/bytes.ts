import fc from 'fast-check';

/** One of them. `at` and `size` are taken modulo what is there, so that every value means something for every length. */
export interface Wound {
  readonly kind: 'flip' | 'drop' | 'repeat' | 'insert' | 'cut' | 'swap';
  readonly at: number;
  readonly size: number;
  readonly piece: Buffer;
}

/** Bytes that parsers trip over, whatever they parse. */
const PIECES = [
  '\0',
  '\r',
  '\n',
  '\r\n\r\n',
  '\x1b',
  '"',
  '\\',
  "'",
  ' ',
  ':',
  ',',
  ';',
  '{',
  '}',
  '[',
  ']',
  '%00',
  '../',
]
  .map((text) => Buffer.from(text))
  .concat(
    Buffer.from([0xef, 0xbb, 0xbf]),
    Buffer.from([0xc0, 0xaf]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from([0xf8, 0x88]),
    Buffer.from([0xff, 0xfe]),
    Buffer.from('\u202e\u200b\ufeff'),
    Buffer.from('\u{e0041}'),
  );

const wound = (pieces: readonly Buffer[]): fc.Arbitrary<Wound> =>
  fc.record({
    kind: fc.constantFrom('flip', 'drop', 'repeat', 'insert', 'cut', 'swap'),
    at: fc.nat(0xffff),
    size: fc.nat(24),
    piece: fc.constantFrom(...PIECES, ...pieces),
  });

/** Up to six wounds, for what is only known when the case is run: see `hurt`. */
export const wounds: fc.Arbitrary<readonly Wound[]> = fc.array(wound([]), { maxLength: 6 });

export function hurt(bytes: Buffer, them: readonly Wound[]): Buffer {
  return them.reduce((hurtSoFar, it) => inflict(hurtSoFar, it), bytes);
}

/** Good bytes with up to six wounds; without any they stay good. */
export function wounded(good: fc.Arbitrary<Buffer>, pieces: readonly string[] = []): fc.Arbitrary<Buffer> {
  const more = pieces.map((piece) => Buffer.from(piece));
  return fc.tuple(good, fc.array(wound(more), { maxLength: 6 })).map(([bytes, them]) => hurt(bytes, them));
}

/** The same for text. What is no longer text after it is replaced, as a decoder would. */
export function woundedText(good: fc.Arbitrary<string>, pieces: readonly string[] = []): fc.Arbitrary<string> {
  return wounded(
    good.map((text) => Buffer.from(text)),
    pieces,
  ).map((bytes) => bytes.toString());
}

function inflict(bytes: Buffer, { kind, at, size, piece }: Wound): Buffer {
  const from = bytes.length === 0 ? 0 : at % bytes.length;
  const to = Math.min(bytes.length, from + size);
  switch (kind) {
    case 'flip': {
      const hurt = Buffer.from(bytes);
      if (hurt.length > 0) hurt[from] = (hurt[from] ?? 0) ^ (1 << (size % 8));
      return hurt;
    }
    case 'drop':
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    case 'repeat':
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
    case 'insert':
      return Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(from)]);
    case 'cut':
      return bytes.subarray(0, from);
    case 'swap':
      return Buffer.concat([
        bytes.subarray(0, from),
        piece,
        bytes.subarray(Math.min(bytes.length, from + piece.length)),
      ]);
  }
}

/** Bytes nobody meant. */
export const noise: fc.Arbitrary<Buffer> = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));

/** The bytes cut into pieces at these places. */
export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => (bytes.length === 0 ? 0 : place % bytes.length)))].sort(
    (a, b) => a - b,
  );
  return [...cuts, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : cuts[index - 1], end));
}
