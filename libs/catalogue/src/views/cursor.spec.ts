import { describe, expect, it } from 'vitest';
import { CursorSeal, nameKey } from './cursor.js';

const PLACE = { server: 'n8n', name: nameKey('echo'), position: 7, order: 2 };

function seal(key?: Buffer) {
  const clock = { now: 1_000_000 };
  return { clock, cursors: new CursorSeal(key, 600_000, () => clock.now) };
}

describe('CursorSeal', () => {
  it('opens what it sealed', () => {
    const { cursors } = seal();
    expect(cursors.open(cursors.seal(PLACE, 'me'), 'me')).toEqual(PLACE);
  });

  it('gives another text each time, without names in it', () => {
    const { cursors } = seal();
    const first = cursors.seal(PLACE, 'me');
    expect(cursors.seal(PLACE, 'me')).not.toBe(first);
    expect(Buffer.from(first, 'base64url').includes('n8n')).toBe(false);
  });

  it('refuses another bearer', () => {
    const { cursors } = seal();
    expect(cursors.open(cursors.seal(PLACE, 'me'), 'you')).toBeUndefined();
  });

  it('refuses a cursor after its time', () => {
    const { cursors, clock } = seal();
    const cursor = cursors.seal(PLACE, 'me');
    clock.now += 600_000;
    expect(cursors.open(cursor, 'me')).toBeDefined();
    clock.now += 1;
    expect(cursors.open(cursor, 'me')).toBeUndefined();
  });

  it('opens the cursors of another process with the same key only', () => {
    const key = Buffer.alloc(32, 1);
    const cursor = seal(key).cursors.seal(PLACE, 'me');
    expect(seal(key).cursors.open(cursor, 'me')).toEqual(PLACE);
    expect(seal().cursors.open(cursor, 'me')).toBeUndefined();
  });

  it('refuses every cursor with one character changed, cut or added', () => {
    const { cursors } = seal();
    const good = cursors.seal(PLACE, 'me');
    for (let i = 0; i < good.length - 1; i++) {
      const other = good[i] === 'A' ? 'B' : 'A';
      expect(cursors.open(good.slice(0, i) + other + good.slice(i + 1), 'me')).toBeUndefined();
      expect(cursors.open(good.slice(0, i), 'me')).toBeUndefined();
    }
    expect(cursors.open(`${good}AAAA`, 'me')).toBeUndefined();
  });

  it.each(['', ' ', 'ö', '2', 'a'.repeat(100_000)])('refuses malformed text', (text) => {
    expect(seal().cursors.open(text, 'me')).toBeUndefined();
  });
});
