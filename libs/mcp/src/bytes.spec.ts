import { describe, expect, it } from 'vitest';
import { type Bytes, byteText, inOne, inOneText, lengthOf } from './bytes.js';

const TEXT = '{"id":"schlüssel-鍵","n":1}';
const BYTES = Buffer.from(TEXT);

describe('bytes in pieces', () => {
  it.each<[string, Bytes]>([
    ['one buffer', BYTES],
    ['buffers', [BYTES.subarray(0, 10), BYTES.subarray(10)]],
    ['texts', [byteText(TEXT.slice(0, 11)), byteText(TEXT.slice(11))]],
    ['a text, a buffer and a text', ['{"id":"', BYTES.subarray(7, -7), ',"n":1}']],
  ])('are the same bytes as %s', (_kind, bytes) => {
    expect(inOne(bytes).toString()).toBe(TEXT);
    expect(lengthOf(bytes)).toBe(BYTES.length);
    expect(Buffer.from(inOneText(bytes), 'latin1').equals(BYTES)).toBe(true);
  });

  it('of one buffer are not copied', () => {
    expect(inOne(BYTES)).toBe(BYTES);
  });
});
