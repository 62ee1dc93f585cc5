import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Roster } from './roster.js';

describe('a roster', () => {
  it('has exactly those who came and did not leave', () => {
    const moves = fc.array(fc.tuple(fc.boolean(), fc.nat(9)));
    fc.assert(
      fc.property(moves, (steps) => {
        const items = Array.from({ length: 10 }, () => ({ seat: -1 }));
        const roster = new Roster<{ seat: number }>();
        const model = new Set<{ seat: number }>();
        for (const [comes, index] of steps) {
          const item = items[index]!;
          if (comes) {
            roster.add(item);
            model.add(item);
          } else expect(roster.remove(item)).toBe(model.delete(item));
          expect(roster.size).toBe(model.size);
        }
        expect(new Set(roster.all())).toEqual(model);
        for (const item of items) expect(item.seat >= 0).toBe(model.has(item));
      }),
    );
  });

  it('gives somebody of it away, and nobody once it is empty', () => {
    const roster = new Roster<{ seat: number }>();
    const items = [{ seat: -1 }, { seat: -1 }];
    for (const item of items) roster.add(item);
    expect(new Set([roster.take(), roster.take()])).toEqual(new Set(items));
    expect([roster.take(), roster.size, ...items.map(({ seat }) => seat)]).toEqual([undefined, 0, -1, -1]);
  });

  it('does not take somebody of another roster for its own', () => {
    const [one, other] = [new Roster<{ seat: number }>(), new Roster<{ seat: number }>()];
    const item = { seat: -1 };
    one.add(item);
    expect(other.remove(item)).toBe(false);
    expect(one.size).toBe(1);
  });
});
