import { describe, expect, it } from 'vitest';
import { bearerChallenge } from './challenge.js';

const read = (...headers: string[]) => {
  const found = bearerChallenge(headers);
  return found && Object.fromEntries(found);
};

describe('a challenge', () => {
  it.each<[string, Record<string, string> | undefined]>([
    ['Bearer', {}],
    ['bearer realm=x', { realm: 'x' }],
    ['Bearer resource_metadata="https://a/b", scope="x y"', { resource_metadata: 'https://a/b', scope: 'x y' }],
    ['Bearer error="a \\"b\\" \\\\ c",scope=z', { error: 'a "b" \\ c', scope: 'z' }],
    ['Basic realm="Bearer scope=evil", Bearer scope="good", DPoP scope="other"', { scope: 'good' }],
    ['Negotiate, Bearer Scope = "a" ,  realm="r"', { scope: 'a', realm: 'r' }],
    ['Bearer scope="first", scope="second"', { scope: 'first' }],
    ['Basic realm="x"', undefined],
    ['', undefined],
    ['Bearer scope="unended', {}],
    ['"', undefined],
  ])('%s is read', (header, expected) => {
    expect(read(header)).toEqual(expected);
  });

  it('may be in any of several headers', () => {
    expect(read('Basic realm="x"', 'Bearer scope="a"', 'Bearer scope="b"')).toEqual({ scope: 'a' });
  });

  it('takes no time, however it is written', () => {
    const started = performance.now();
    for (const evil of ['a='.repeat(50_000), '"\\'.repeat(50_000), 'Bearer '.repeat(50_000), ', '.repeat(50_000)]) {
      read(`Bearer ${evil}`);
    }
    expect(performance.now() - started).toBeLessThan(200);
  });
});
