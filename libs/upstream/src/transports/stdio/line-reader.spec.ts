import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader, toLine } from './line-reader.js';

function read(limit: number, chunks: Buffer[]) {
  const lines: string[] = [];
  const oversize: number[] = [];
  const reader = new LineReader(limit, {
    onLine: (line) => lines.push(line.toString()),
    onOversize: (_head, _tail, bytes) => oversize.push(bytes),
  });
  for (const chunk of chunks) reader.push(chunk);
  return { lines, oversize };
}

describe('LineReader', () => {
  it('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' })),
        fc.array(fc.integer({ min: 1, max: 9 })),
        (texts, sizes) => {
          const expected = texts.map((text) => text.replaceAll(/[\r\n]/g, '')).filter((text) => text !== '');
          const bytes = Buffer.from(texts.map((text) => `${text.replaceAll(/[\r\n]/g, '')}\n`).join(''));
          const chunks: Buffer[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % Math.max(1, sizes.length)] ?? 3;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(read(1_000_000, chunks).lines).toEqual(expected);
        },
      ),
    );
  });

  it('drops carriage returns at the end and empty lines', () => {
    expect(read(100, [Buffer.from('a\r\n\r\n\nb\n')]).lines).toEqual(['a', 'b']);
  });

  it('refuses a line over the limit and takes the next one', () => {
    const chunks = ['12345678', '90ABC', 'DEF\nnext', '\n', '0123456789\n', '01234567890\nend\n'].map((text) =>
      Buffer.from(text),
    );
    expect(read(10, chunks)).toEqual({ lines: ['next', '0123456789', 'end'], oversize: [16, 11] });
  });
});

describe('toLine', () => {
  it('keeps the message and removes line breaks between tokens', () => {
    expect(toLine(Buffer.from('{\r\n"a":"b\\n"\n}\n')).toString()).toBe('{  "a":"b\\n" } \n');
  });
});
