import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lru } from './lru.js';

describe('Lru', () => {
  it('drops what was not used for longest', () => {
    const lru = new Lru<string, number>(2);
    lru.set('a', 1);
    lru.set('b', 2);
    expect(lru.get('a')).toBe(1);
    lru.set('c', 3);
    expect([lru.get('a'), lru.get('b'), lru.get('c')]).toEqual([1, undefined, 3]);
  });

  it('is bounded by weight, and keeps nothing heavier than the bound', () => {
    const lru = new Lru<string, Buffer>(10, (value) => value.length);
    lru.set('a', Buffer.alloc(6));
    lru.set('b', Buffer.alloc(6));
    expect([lru.size, lru.weight]).toEqual([1, 6]);
    lru.set('b', Buffer.alloc(11));
    expect([lru.size, lru.weight]).toEqual([0, 0]);
  });

  it('keeps count over replacing, deleting and clearing', () => {
    const lru = new Lru<string, string>(10, (value) => value.length);
    lru.set('a', 'xxx');
    lru.set('a', 'xxxxx');
    expect(lru.weight).toBe(5);
    expect(lru.delete('a')).toBe(true);
    expect(lru.delete('a')).toBe(false);
    lru.set('b', 'x');
    lru.clear();
    expect([lru.size, lru.weight]).toEqual([0, 0]);
  });

  it('behaves as a list of entries in order of use', () => {
    const operation = fc.tuple(fc.constantFrom('set', 'get', 'delete'), fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(7));
    fc.assert(
      fc.property(fc.array(operation), (operations) => {
        const lru = new Lru<string, number>(10, (value) => value);
        let model: [string, number][] = [];
        for (const [name, key, value] of operations) {
          const known = model.find(([k]) => k === key);
          if (name === 'get') {
            expect(lru.get(key)).toBe(known?.[1]);
            if (known) model = [...model.filter((entry) => entry !== known), known];
          } else {
            model = model.filter((entry) => entry !== known);
            if (name === 'delete') lru.delete(key);
            else {
              lru.set(key, value);
              model.push([key, value]);
              while (weight(model) > 10) model.shift();
            }
          }
          expect(lru.weight).toBe(weight(model));
          expect(lru.size).toBe(model.length);
        }
      }),
    );
  });
});

function weight(entries: readonly [string, number][]): number {
  return entries.reduce((sum, [, value]) => sum + value, 0);
}
