/** What is written in order: in one piece or in several. */
export type Bytes = Buffer | readonly Buffer[];

/** From this size on, writing a payload as a piece of its own costs less than copying it. */
export const LARGE = 16 * 1024;

export function lengthOf(bytes: Bytes): number {
  return Buffer.isBuffer(bytes) ? bytes.length : bytes.reduce((sum, piece) => sum + piece.length, 0);
}

/** In one piece; the very buffer where it is one. */
export function inOne(bytes: Bytes): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.concat(bytes);
}
