import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffDelay } from './backoff.js';

const SETTINGS = { initial: 500, max: 60_000, multiplier: 2 };

describe('backoffDelay', () => {
  it('doubles up to its bound', () => {
    const longest = [0, 1, 2, 7, 1000].map((attempt) => backoffDelay(SETTINGS, attempt, () => 1));
    expect(longest).toEqual([500, 1000, 2000, 60_000, 60_000]);
  });

  it('never waits less than a tenth of the bound', () => {
    expect(backoffDelay(SETTINGS, 0, () => 0)).toBe(50);
    expect(backoffDelay(SETTINGS, -3, () => 0)).toBe(50);
  });

  it('is a number within the bound for any settings and attempt', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.nat(100_000),
        fc.constantFrom(1, 1.5, 2, 10),
        fc.nat(100_000),
        (initial, max, multiplier, attempt) => {
          const delay = backoffDelay({ initial, max, multiplier }, attempt);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(max);
        },
      ),
    );
  });
});
