import { describe, expect, it } from 'vitest';
import { RecentMap } from './recent-map.js';

describe('RecentMap', () => {
  it('keeps what is used within the span, however often the generations turn', () => {
    const map = new RecentMap<number>(10, 1_000);
    map.set('used', 1, 0);
    for (let now = 0; now <= 20_000; now += 900) expect(map.get('used', now)).toBe(1);
  });

  it('forgets what was not used for twice the span', () => {
    const map = new RecentMap<number>(10, 1_000);
    map.set('a', 1, 0);
    expect(map.get('b', 999)).toBeUndefined();
    expect(map.size).toBe(1);
    expect(map.get('a', 2_000)).toBeUndefined();
    expect(map.size).toBe(0);
  });

  it('lets go, at its bound, of what was used longest ago', () => {
    const map = new RecentMap<number>(10, 1_000);
    map.set('regular', 1, 0);
    for (let i = 0; i < 100; i++) {
      map.set(`stranger ${i}`, i, 0);
      expect(map.get('regular', 0)).toBe(1);
      expect(map.size).toBeLessThanOrEqual(10);
    }
    expect(map.get('stranger 0', 0)).toBeUndefined();
    expect(map.get('stranger 99', 0)).toBe(99);
  });
});
