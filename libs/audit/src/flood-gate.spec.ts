import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FloodGate } from './flood-gate.js';

describe('T146: a flood of refusals', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  function flooded() {
    const omitted: [string | undefined, number][] = [];
    const gate = new FloodGate((source, count) => omitted.push([source, count]));
    const admitted = (source: string, times: number) =>
      Array.from({ length: times }, () => gate.admits(source)).filter(Boolean).length;
    return { omitted, gate, admitted };
  }

  it('is recorded up to a bound per source; the rest is counted and told when the window ends', () => {
    const { omitted, admitted } = flooded();
    expect(admitted('a', 5_000)).toBe(100);
    expect(admitted('b', 10)).toBe(10);
    vi.advanceTimersByTime(10_000);
    expect(omitted).toEqual([['a', 4_900]]);
    expect(admitted('a', 1)).toBe(1);
  });

  it('is bounded altogether however many sources it comes from', () => {
    const { omitted, admitted, gate } = flooded();
    let recorded = 0;
    for (let source = 0; source < 20_000; source++) recorded += admitted(`address-${source}`, 2);
    expect(recorded).toBeLessThanOrEqual(1_000);
    gate.close();
    expect(omitted.length).toBeLessThanOrEqual(257);
    expect(omitted.reduce((sum, [, count]) => sum + count, 0)).toBe(40_000 - recorded);
    expect(omitted.at(-1)?.[0]).toBeUndefined();
  });

  it('leaves nothing to tell where nothing was left out', () => {
    const { omitted, admitted } = flooded();
    admitted('a', 3);
    vi.advanceTimersByTime(10_000);
    expect(omitted).toEqual([]);
  });
});
