import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineQueue } from './line-queue.js';

const MAX = 1024 * 1024;

/** Writes so many bytes, as a file would that takes no more at a time. */
function taken(queue: LineQueue, most: number): string {
  const { bytes, start, end } = queue.first();
  const size = Math.min(most, end - start);
  const text = bytes.toString('latin1', start, start + size);
  queue.written(size);
  return text;
}

function all(queue: LineQueue): string {
  let text = '';
  while (queue.bytes > 0) text += taken(queue, Number.POSITIVE_INFINITY);
  return Buffer.from(text, 'latin1').toString('utf8');
}

describe('lines that wait for the disk', () => {
  it('come out in their order, whatever is written at a time and added meanwhile', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 2_000 }).map((text) => `${text.replaceAll('\n', ' ')}\n`);
    const step = fc.oneof(line, fc.integer({ min: 1, max: 100_000 }));
    const property = fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const queue = new LineQueue(MAX);
      let given = '';
      let got = '';
      for (const one of steps) {
        if (typeof one === 'string') given += queue.add(one) ? one : '';
        else if (queue.bytes > 0) got += taken(queue, one);
      }
      expect(queue.count()).toBe(given.split('\n').length - got.split('\n').length);
      while (queue.bytes > 0) got += taken(queue, 70_000);
      expect(Buffer.from(got, 'latin1').toString('utf8')).toBe(given);
    });
    fc.assert(property, { numRuns: 50 });
  });

  it('are refused beyond the bound, to the byte', () => {
    const queue = new LineQueue(11);
    expect([queue.add('éé23\n'), queue.add('ab\n'), queue.add('abc\n'), queue.add('\n')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(queue.bytes).toBe(11);
    expect(all(queue)).toBe('éé23\nab\n\n');
    expect(queue.add('abc\n')).toBe(true);
  });

  it('start anew with the line that was torn, wherever it was torn', () => {
    for (const torn of [0, 1, 3, 4, 5, 8]) {
      const queue = new LineQueue(MAX);
      queue.add('one\n');
      queue.add('two\n');
      queue.add('three\n');
      taken(queue, torn);
      queue.untear();
      const whole = Math.floor(torn / 4) * 4;
      expect(queue.bytes).toBe(14 - whole);
      expect(queue.count()).toBe(3 - whole / 4);
      expect(all(queue)).toBe('one\ntwo\nthree\n'.slice(whole));
    }
  });

  it('may be longer than the pieces they are kept in', () => {
    const queue = new LineQueue(MAX);
    const long = `${'x'.repeat(300_000)}\n`;
    const given = ['a\n', long, 'b\n', long, 'c\n'];
    for (const line of given) queue.add(line);
    expect(queue.count()).toBe(5);
    expect(all(queue)).toBe(given.join(''));
  });
});
