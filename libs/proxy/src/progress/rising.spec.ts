import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextUp, Rising } from './rising.js';

describe('the next number', () => {
  it.each([
    [0, Number.MIN_VALUE],
    [-0, Number.MIN_VALUE],
    [1, 1 + Number.EPSILON],
    [-1, -1 + Number.EPSILON / 2],
    [2 ** 53, 2 ** 53 + 2],
    [Number.MAX_VALUE, Number.MAX_VALUE],
  ])('after %d is %d', (value, next) => {
    expect(nextUp(value)).toBe(next);
  });

  it('is more, and nothing lies between', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, max: 1e300 }), (value) => {
        const next = nextUp(value);
        const between = value + (next - value) / 2;
        return next > value && (between === value || between === next);
      }),
    );
  });
});

describe('progress values', () => {
  it('of an upstream that reports as it should pass untouched, whatever was sent between', () => {
    const rising = new Rising();
    rising.beat();
    for (const value of [0.5, 1, 1.5, 50, 100]) {
      expect(rising.told(value)).toBe(value);
      rising.beat();
      rising.beat();
    }
  });

  it('begin with the very first report as it is, zero and negative ones too', () => {
    expect(new Rising().told(0)).toBe(0);
    expect(new Rising().told(-5)).toBe(-5);
  });

  it('that would not be more than what was sent rise by the least there is', () => {
    const rising = new Rising();
    const beat = rising.beat();
    expect(rising.told(0)).toBe(nextUp(beat));
    expect(rising.told(7)).toBe(7);
    expect(rising.told(7)).toBe(nextUp(7));
    expect(rising.told(3)).toBe(nextUp(nextUp(7)));
    expect(rising.told(8)).toBe(8);
  });

  it('rise strictly, in whatever order reports and signs of life come, also as JSON', () => {
    const value = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 });
    fc.assert(
      fc.property(fc.array(fc.option(value), { maxLength: 50 }), (steps) => {
        const rising = new Rising();
        const sent = steps.map((step) => JSON.parse(`${step === null ? rising.beat() : rising.told(step)}`) as number);
        return sent.every((each, i) => i === 0 || each > (sent[i - 1] as number));
      }),
    );
  });
});
