import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChurnMap } from './churn-map.js';

describe('a churn map', () => {
  it('behaves as a map, whatever comes and goes', () => {
    const key = fc.oneof(fc.nat(40), fc.nat(40).map(String), fc.constantFrom('', '"a"', '__proto__', 2 ** 40));
    const operation = fc.tuple(fc.constantFrom('set', 'set', 'delete', 'get', 'clear?'), key, fc.nat(9));
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const map = new ChurnMap<string | number, number>();
        const model = new Map<string | number, number>();
        for (const [name, at, value] of operations) {
          if (name === 'set') {
            map.set(at, value);
            model.set(at, value);
          } else if (name === 'delete') expect(map.delete(at)).toBe(model.delete(at));
          else if (name === 'clear?' && value === 0) {
            map.clear();
            model.clear();
          }
          expect([map.size, map.has(at), map.get(at)]).toEqual([model.size, model.has(at), model.get(at)]);
        }
        expect(map.values().sort()).toEqual([...model.values()].sort());
        for (const [at, value] of model) expect(map.get(at)).toBe(value);
      }),
    );
  });

  it('finds thousands among keys that meet in one slot', () => {
    const map = new ChurnMap<number, number>();
    for (let index = 0; index < 3_000; index++) map.set(index * 4096, index);
    for (let index = 0; index < 3_000; index += 2) map.delete(index * 4096);
    expect(map.size).toBe(1_500);
    expect(map.get(4096)).toBe(1);
    expect(map.get(8192)).toBeUndefined();
    expect(map.get(2_999 * 4096)).toBe(2_999);
  });
});
