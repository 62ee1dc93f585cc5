import { describe, expect, it } from 'vitest';
import { splice } from './splice.js';

describe('splice', () => {
  const bytes = Buffer.from('0123456789');

  it('returns the very bytes when there is nothing to do', () => {
    expect(splice(bytes, [])).toBe(bytes);
    expect(splice(bytes, [], { start: 2, end: 4 }).toString()).toBe('23');
  });

  it('applies edits in any order, inserts included', () => {
    const edits = [
      { start: 8, end: 9, text: Buffer.from('é') },
      { start: 2, end: 2, text: '<' },
      { start: 2, end: 4, text: '' },
      { start: 2, end: 2, text: '>' },
    ];
    expect(splice(bytes, edits).toString()).toBe('01<>4567é9');
    expect(splice(bytes, edits, { start: 1, end: 9 }).toString()).toBe('1<>4567é');
  });

  it('refuses overlapping edits and edits outside', () => {
    expect(() =>
      splice(bytes, [
        { start: 1, end: 5, text: '' },
        { start: 4, end: 6, text: '' },
      ]),
    ).toThrow(RangeError);
    expect(() => splice(bytes, [{ start: 9, end: 11, text: '' }])).toThrow(RangeError);
    expect(() => splice(bytes, [{ start: 0, end: 1, text: '' }], { start: 1, end: 5 })).toThrow(RangeError);
  });
});
