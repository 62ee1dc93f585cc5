import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Due, DueClock } from './due-clock.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

class Waiting implements Due {
  seat = -1;
  due = 0;
  readonly told: number[] = [];
  readonly #then: ((item: Waiting) => void) | undefined;

  constructor(then?: (item: Waiting) => void) {
    this.#then = then;
  }

  onDue(): void {
    this.told.push(performance.now());
    this.#then?.(this);
  }
}

/** Sets these waits, in this order. */
function waiting(clock: DueClock, waits: readonly number[]): Waiting[] {
  return waits.map((wait) => {
    const item = new Waiting();
    clock.set(item, performance.now() + wait);
    return item;
  });
}

describe('one clock for many that wait', () => {
  it('tells each once, never early, and soon', () => {
    const waits = [3_000, 1, 250, 251, 1_000, 60_000];
    const start = performance.now();
    const items = waiting(new DueClock(), waits);
    vi.advanceTimersByTime(70_000);
    for (const [index, { told }] of items.entries()) {
      expect(told).toHaveLength(1);
      const late = (told[0] as number) - start - (waits[index] as number);
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThanOrEqual(20);
    }
  });

  it('takes one timer however many come and go, and none once nobody waits', () => {
    const clock = new DueClock();
    const armed = vi.spyOn(globalThis, 'setTimeout');
    for (let turn = 0; turn < 1_000; turn++) {
      const [item] = waiting(clock, [1_000]);
      clock.cancel(item as Waiting);
      vi.advanceTimersByTime(1);
      expect((item as Waiting).told).toEqual([]);
    }
    expect(armed.mock.calls.length).toBeLessThanOrEqual(2);
    vi.advanceTimersByTime(5_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has whoever is told set itself, or others, anew', () => {
    const clock = new DueClock();
    const other = new Waiting();
    const again = new Waiting((item) => {
      if (item.told.length < 3) clock.set(item, performance.now() + 500);
      clock.cancel(other);
    });
    clock.set(again, performance.now() + 500);
    clock.set(other, performance.now() + 500);
    vi.advanceTimersByTime(5_000);
    expect(again.told).toHaveLength(3);
    expect(other.told).toEqual([]);
  });

  it('tells the others when one of them throws', () => {
    const clock = new DueClock();
    clock.set(
      new Waiting(() => {
        throw new Error('of the first');
      }),
      performance.now() + 100,
    );
    const [other, later] = waiting(clock, [100, 5_000]) as [Waiting, Waiting];
    expect(() => vi.advanceTimersByTime(100)).toThrow('of the first');
    expect(other.told).toEqual([]);
    vi.advanceTimersByTime(6_000);
    expect([other.told.length, later.told.length]).toEqual([1, 1]);
  });

  it('moves what waits already, and waits for ever where it is told so', () => {
    const clock = new DueClock();
    const [moved, never] = waiting(clock, [100, Number.POSITIVE_INFINITY]) as [Waiting, Waiting];
    clock.set(moved, performance.now() + 9_000);
    vi.advanceTimersByTime(8_000);
    expect(moved.told).toEqual([]);
    vi.advanceTimersByTime(2_000);
    expect([moved.told.length, never.told.length]).toEqual([1, 0]);
  });

  it('goes on after it was stopped', () => {
    const clock = new DueClock();
    waiting(clock, [100]);
    clock.stop();
    expect(vi.getTimerCount()).toBe(0);
    const [item] = waiting(clock, [50]) as [Waiting];
    vi.advanceTimersByTime(200);
    expect(item.told).toHaveLength(1);
  });

  it('looks no oftener than its grain allows, and is no later than that', () => {
    const clock = new DueClock({ grain: 1_000 });
    const armed = vi.spyOn(globalThis, 'setTimeout');
    const start = performance.now();
    const waits = Array.from({ length: 100 }, (_, index) => 5_000 + 10 * index);
    const items = waiting(clock, waits);
    vi.advanceTimersByTime(10_000);
    expect(armed.mock.calls.length).toBeLessThanOrEqual(3);
    for (const [index, { told }] of items.entries()) {
      const late = (told[0] as number) - start - (waits[index] as number);
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThanOrEqual(1_000);
    }
  });

  it('keeps the process running or not, as it was made', () => {
    for (const holds of [true, false]) {
      vi.spyOn(globalThis, 'setTimeout').mockClear();
      waiting(new DueClock({ holds }), [100]);
      const timer = vi.mocked(setTimeout).mock.results.at(-1)?.value as NodeJS.Timeout;
      expect(timer.hasRef()).toBe(holds);
    }
  });

  it('keeps another time than the process where it is given one', () => {
    let now = 1_000;
    const runs: { readonly after: number; readonly run: () => void }[] = [];
    const time = {
      now: () => now,
      after: (after: number, run: () => void) => {
        runs.push({ after, run });
        return () => void runs.splice(0);
      },
    };
    const clock = new DueClock({ time });
    const item = new Waiting();
    clock.set(item, 6_000);
    expect(runs.map(({ after }) => after)).toEqual([5_000]);
    now = 6_000;
    runs.pop()?.run();
    expect(item.told).toHaveLength(1);
    clock.set(item, 7_000);
    clock.stop();
    expect(runs).toEqual([]);
  });
});
