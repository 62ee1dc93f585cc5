import { describe, expect, it } from 'vitest';
import { BodyCollector } from './body-collector.js';

/** A chunk with memory of its own, as sockets hand them out. */
function chunk(text: string): Buffer {
  const own = Buffer.allocUnsafeSlow(text.length);
  own.write(text, 'latin1');
  return own;
}

function collected(announced: number | undefined, ...chunks: Buffer[]): string {
  const body = new BodyCollector(announced);
  for (const each of chunks) body.add(each);
  return body.take().toString('latin1');
}

describe('a body', () => {
  it('of one piece is that piece', () => {
    const only = chunk('all of it');
    const body = new BodyCollector(only.length);
    body.add(only);
    expect(body.take()).toBe(only);
    expect(only.toString()).toBe('all of it');
  });

  it('of no piece is empty', () => {
    expect(new BodyCollector(10).take()).toHaveLength(0);
  });

  it.each([
    ['announced', 9],
    ['not announced', undefined],
    ['announced as longer', 30],
    ['announced as shorter', 5],
    ['announced as a few bytes', 1],
  ])('is put together in order when it was %s', (_how, announced) => {
    const chunks = () => [chunk('ab'), chunk('c'), chunk('defg'), chunk('hi')];
    expect(collected(announced, ...chunks())).toBe('abcdefghi');
  });

  it('takes no more memory than four times what has arrived', () => {
    const body = new BodyCollector(1_000);
    for (let sent = 0; sent < 1_000; sent += 10) {
      body.add(chunk('0123456789'));
      expect(body.held).toBeGreaterThanOrEqual(body.size);
      expect(body.held).toBeLessThanOrEqual(body.size * 4);
    }
    expect(body.held).toBe(1_000);
  });

  it('gives the memory of a copied piece back, but not before the next one', () => {
    const [first, second, third] = [chunk('aaaa'), chunk('bbbb'), chunk('cccc')];
    const body = new BodyCollector(12);
    body.add(first);
    expect(first).toHaveLength(4);
    body.add(second);
    expect(first).toHaveLength(0);
    expect(second).toHaveLength(4);
    body.add(third);
    expect(second).toHaveLength(0);
    expect(body.take().toString()).toBe('aaaabbbbcccc');
  });

  it('leaves alone what shares its memory with something else', () => {
    const slab = chunk('aaaabbbbXXXX');
    const body = new BodyCollector(8);
    body.add(slab.subarray(0, 4));
    body.add(slab.subarray(4, 8));
    body.add(chunk('late'));
    expect(slab.toString()).toBe('aaaabbbbXXXX');
    expect(body.take().toString()).toBe('aaaabbbblate');
  });
});
