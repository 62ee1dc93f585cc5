/** Bytes, or a short text that stands for some: a byte for each character (Latin-1), which `byteText` makes of any text. */
export type Piece = Buffer | string;

/** What is written in order: in one piece or in several. */
export type Bytes = Buffer | readonly Piece[];

/** The same without texts. */
export type Buffers = Buffer | readonly Buffer[];

export function lengthOf(bytes: Bytes): number {
  if (Buffer.isBuffer(bytes)) return bytes.length;
  let length = 0;
  for (const piece of bytes) length += piece.length;
  return length;
}

/** In one piece; the very buffer where it is one. */
export function inOne(bytes: Bytes): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  return Buffer.concat(bytes.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)));
}

/** All of it as one such text. */
export function inOneText(bytes: Bytes): string {
  if (Buffer.isBuffer(bytes)) return bytes.toString('latin1');
  let text = '';
  for (const piece of bytes) text += typeof piece === 'string' ? piece : piece.toString('latin1');
  return text;
}

/** UTF-8 as a text of bytes: the same where all of it is ASCII. */
export function byteText(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1');
}
