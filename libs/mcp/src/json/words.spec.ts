import { describe, expect, it } from 'vitest';
import { scan } from './scan.js';
import { JsonView } from './view.js';
import { skipPlain, wordsOf } from './words.js';

/** A message somewhere in a larger buffer, so that its words are aligned differently each time. */
function placed(text: Buffer, offset: number): Buffer {
  const slab = Buffer.alloc(text.length + 8, 0x22);
  text.copy(slab, offset);
  return slab.subarray(offset, offset + text.length);
}

const SPECIAL = [...Array(0x20).keys(), 0x22, 0x5c];

describe('a long run of plain bytes', () => {
  it('ends shortly before each special byte, at every place and alignment, and never behind it', () => {
    for (let offset = 0; offset < 4; offset++) {
      for (let at = 70; at < 90; at++) {
        for (const special of SPECIAL) {
          const text = Buffer.alloc(140, '!#[]\x7f~ é');
          text[at] = special;
          const bytes = placed(text, offset);
          const found = skipPlain(bytes, wordsOf(bytes), 64);
          expect(found, `0x${special.toString(16)} at ${at}`).toBeLessThanOrEqual(at);
          expect(found).toBeGreaterThan(at - 8);
        }
      }
    }
  });

  it('takes every other byte for plain', () => {
    for (let byte = 0; byte < 256; byte++) {
      if (SPECIAL.includes(byte)) continue;
      const bytes = Buffer.alloc(256, byte);
      expect(skipPlain(bytes, wordsOf(bytes), 64), `0x${byte.toString(16)}`).toBeGreaterThan(248);
    }
  });

  it('stays inside the bytes it was given', () => {
    for (let offset = 0; offset < 4; offset++) {
      for (let length = 64; length < 80; length++) {
        const bytes = placed(Buffer.alloc(length, 'x'), offset);
        const found = skipPlain(bytes, wordsOf(bytes), 64);
        expect(found).toBeGreaterThanOrEqual(64);
        expect(found).toBeLessThanOrEqual(length);
      }
    }
  });
});

describe('scanning long strings', () => {
  const limits = { depth: 8, nodes: 100, uniqueKeys: true };

  it('agrees with JSON.parse wherever something special stands', () => {
    for (const special of ['"', '\\"', '\\\\', '\\n', '\\u00e9', '\\x', '\\', '\n', '\x1f', '\x7f', 'é', '😀']) {
      for (let at = 60; at < 140; at += 1) {
        const json = Buffer.from(`{"a":"${'x'.repeat(at)}${special}${'y'.repeat(100)}","b":1}`);
        const result = scan(placed(json, at % 4), limits);
        let parsed: unknown;
        try {
          parsed = JSON.parse(json.toString());
        } catch {
          parsed = undefined;
        }
        expect(result instanceof JsonView ? result.value() : undefined, `${special} at ${at}`).toEqual(parsed);
      }
    }
  });

  it('names the place of a control character behind a long run', () => {
    expect(scan(Buffer.from(`"${'x'.repeat(1_000)}\n"`), limits)).toMatchObject({ kind: 'syntax', offset: 1_001 });
  });
});
