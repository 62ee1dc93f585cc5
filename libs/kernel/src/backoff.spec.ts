import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff.js';

const SETTINGS = { initial: 500, max: 60_000, multiplier: 2 };

const waits = (backoff: Backoff, count: number) => Array.from({ length: count }, () => backoff.next());

describe('Backoff', () => {
  it('grows by its multiplier up to its bound, and stays there for ever', () => {
    expect(waits(new Backoff(SETTINGS, () => 1), 9)).toEqual([
      500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000,
    ]);
    expect(waits(new Backoff({ ...SETTINGS, multiplier: 3 }, () => 1), 3)).toEqual([500, 1500, 4500]);
    expect(waits(new Backoff(SETTINGS, () => 1), 2_000).at(-1)).toBe(60_000);
  });

  it('throws the dice for the whole wait, but never waits less than a tenth of the bound', () => {
    expect(new Backoff(SETTINGS, () => 0).next()).toBe(50);
    expect(new Backoff(SETTINGS, () => 0.5).next()).toBe(275);
  });

  it('starts anew after a success', () => {
    const backoff = new Backoff(SETTINGS, () => 1);
    waits(backoff, 5);
    backoff.reset();
    expect(backoff.next()).toBe(500);
  });

  it('follows settings that change between two attempts', () => {
    let settings = SETTINGS;
    const backoff = new Backoff(
      () => settings,
      () => 1,
    );
    waits(backoff, 3);
    settings = { initial: 10, max: 100, multiplier: 2 };
    expect(waits(backoff, 2)).toEqual([80, 100]);
  });

  it('is a number within the bound for any settings and attempt', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.nat(100_000),
        fc.constantFrom(1, 1.5, 2, 10),
        fc.integer({ min: 1, max: 1_500 }),
        (initial, max, multiplier, attempts) => {
          const delay = waits(new Backoff({ initial, max, multiplier }), attempts).at(-1);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(max);
        },
      ),
    );
  });
});
