import { describe, expect, it } from 'vitest';
import { KnownBearers } from './known-bearers.js';

const header = (index: number) => `Bearer ${'x'.repeat(8_000)}${String(index).padStart(12, '0')}`;
const bearer = (index: number) => ({ token: `t${index}`, digest: `d${index}` });

describe('tokens that were let in', () => {
  it('are found by their whole header, also where two end alike', () => {
    const known = new KnownBearers();
    known.keep('Bearer a.same-ending-of-both', bearer(1));
    expect(known.get('Bearer b.same-ending-of-both')).toBeUndefined();
    known.keep('Bearer b.same-ending-of-both', bearer(2));
    expect(known.get('Bearer b.same-ending-of-both')).toEqual(bearer(2));
    expect(known.get('Bearer a.same-ending-of-both')).toBeUndefined();
  });

  it('are all forgotten when they become too many', () => {
    const known = new KnownBearers();
    for (let index = 0; index < 1_000; index++) known.keep(header(index), bearer(index));
    expect(known.get(header(0))).toEqual(bearer(0));
    for (let index = 1_000; index < 1_100; index++) known.keep(header(index), bearer(index));
    expect(known.get(header(0))).toBeUndefined();
    expect(known.get(header(1_099))).toEqual(bearer(1_099));
  });

  it('do not become more by coming again, or by being forgotten and let in again', () => {
    const known = new KnownBearers();
    known.keep(header(0), bearer(0));
    for (let turn = 0; turn < 2_000; turn++) {
      known.keep(header(1), bearer(1));
      known.keep(header(2), bearer(2));
      known.forget(header(2));
    }
    expect(known.get(header(0))).toEqual(bearer(0));
  });
});
