import { describe, expect, it } from 'vitest';
import { changeOf } from './change.ts';
import { percentile, summarize } from './summary.ts';

describe('summarize', () => {
  it('takes the second and the second last of nine rounds: that interval is certain to 96 %', () => {
    const { median, low, high, level } = summarize([9, 1, 8, 2, 7, 3, 6, 4, 5]);
    expect({ median, low, high }).toEqual({ median: 5, low: 2, high: 8 });
    expect(level).toBeCloseTo(0.961, 3);
  });

  it('takes the whole range where there are few rounds, and says what that is worth', () => {
    expect(summarize([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3, level: 0.75, n: 3 });
    expect(summarize([1, 2, 3, 4, 5, 6])).toMatchObject({ median: 3.5, low: 1, high: 6, level: 0.96875 });
    expect(summarize([7])).toMatchObject({ median: 7, level: 0 });
    expect(summarize([]).median).toBeNaN();
  });

  it('is not moved by one disturbed round', () => {
    const calm = summarize([10, 11, 10, 11, 10, 11, 10, 11, 10]);
    const disturbed = summarize([10, 11, 10, 11, 10, 11, 10, 11, 500]);
    expect(disturbed.high).toBe(calm.high);
    expect(disturbed.median).toBe(11);
  });
});

describe('percentile', () => {
  it('takes the nearest rank', () => {
    const sorted = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([0.5, 0.9, 0.99, 1].map((share) => percentile(sorted, share))).toEqual([50, 90, 99, 100]);
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe('changeOf', () => {
  const around = (value: number) => [0.98, 1.01, 0.99, 1.02, 1, 1.03, 0.97, 1.005, 0.995].map((noise) => noise * value);

  it('sees a change that exceeds the noise, in both directions', () => {
    const slower = changeOf(around(50), around(60));
    expect(slower.exceedsNoise).toBe(true);
    expect(slower.factor).toBeCloseTo(1.2, 2);
    expect(slower.low).toBeGreaterThan(1.15);
    expect(slower.high).toBeLessThan(1.25);
    expect(changeOf(around(60), around(50))).toMatchObject({ exceedsNoise: true });
  });

  it('claims nothing for two runs of the same', () => {
    expect(changeOf(around(50), around(50).reverse())).toMatchObject({ factor: 1, exceedsNoise: false });
  });

  it('claims nothing where the rounds are too few to tell, however far apart they are', () => {
    expect(changeOf([1, 1, 1], [9, 9, 9])).toMatchObject({ factor: 9, exceedsNoise: false });
    expect(changeOf([1], [2]).exceedsNoise).toBe(false);
    expect(changeOf([], [2]).exceedsNoise).toBe(false);
  });

  it('needs four rounds each, and then the whole range of factors, to be sure', () => {
    // The tables' critical value for 4 and 4 at 5 %, two-sided, is 0: the interval begins at the first factor.
    const { low, high } = changeOf([1, 1, 1, 1], [2, 3, 4, 5]);
    expect([low, high]).toEqual([2, 5]);
    expect(changeOf([1, 1, 1, 1], [2, 3, 4, 5]).exceedsNoise).toBe(true);
  });
});
