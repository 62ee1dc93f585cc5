import { beforeEach, describe, expect, it } from 'vitest';
import { RestartPace } from './restart-pace.js';

const RETRY = { initial: 100, max: 400, multiplier: 2 };

let now: number;
let pace: RestartPace;

beforeEach(() => {
  now = 1_000;
  pace = new RestartPace({ retry: () => RETRY, now: () => now, random: () => 1 });
});

/** Connects, lives for so many milliseconds and dies. */
const live = (lived: number) => {
  pace.connected();
  now += lived;
  return pace.lost();
};

describe('the pace of restarts', () => {
  it('waits longer and longer while attempts fail, and shortly again after one that went well', () => {
    expect([1, 2, 3, 4].map(() => pace.failed())).toEqual([100, 200, 400, 400]);
    pace.connected();
    expect(pace.failed()).toBe(100);
  });

  it('waits for nothing where the session had lived for ten first waits', () => {
    expect(live(1_000)).toBeUndefined();
    expect(live(999)).toBe(100);
  });

  it('takes the first early deaths for accidents, and waits longer and longer after the next ones', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map(() => live(1))).toEqual([100, 100, 100, 100, 200, 400, 400]);
  });

  it.each([
    ['lived long', () => live(1_000)],
    ['ended because nobody used it', () => pace.unused()],
  ])('forgets early deaths once a session %s', (_what, happens) => {
    for (let i = 0; i < 6; i++) live(1);
    happens();
    expect(live(1)).toBe(100);
  });

  it('knows attempts that fail and sessions that die apart', () => {
    for (let i = 0; i < 3; i++) pace.failed();
    expect(live(1)).toBe(100);
    for (let i = 0; i < 5; i++) live(1);
    expect(pace.failed()).toBe(100);
  });
});
