import { RateLimiterRes } from 'rate-limiter-flexible';
import { describe, expect, it } from 'vitest';
import { Clock } from '../testing/limits.js';
import { BucketLimiter } from './bucket-limiter.js';
import { take } from './limit-store.js';

function limiter({ limit = 60, per = 60_000, burst = 5, keep = 0, maxKeys = 1_000 } = {}) {
  const clock = new Clock();
  return { clock, buckets: new BucketLimiter({ limit, per, burst, keep }, maxKeys, clock.read) };
}

async function taken(buckets: BucketLimiter, key: string, tries: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < tries; i++) if ((await take(buckets, key)) === 0) count++;
  return count;
}

describe('BucketLimiter', () => {
  it('gives a burst at once, and then as many as come in by the rate', async () => {
    const { clock, buckets } = limiter();
    expect(await taken(buckets, 'a', 10)).toBe(5);
    clock.pass(3_000);
    expect(await taken(buckets, 'a', 10)).toBe(3);
    clock.pass(3_600_000);
    expect(await taken(buckets, 'a', 10)).toBe(5);
  });

  it('never gives more than burst and rate allow, however the requests come', async () => {
    const { clock, buckets } = limiter({ limit: 10, per: 1_000, burst: 3 });
    let count = 0;
    for (let i = 0; i < 1_000; i++) {
      clock.pass(i % 7);
      count += await taken(buckets, 'a', 2);
    }
    const elapsed = clock.now - 1_000_000;
    expect(count).toBeLessThanOrEqual(3 + elapsed / 100);
    expect(count).toBeGreaterThanOrEqual(Math.floor(elapsed / 100));
  });

  it('says how long until there is one, and keeps its word', async () => {
    const { clock, buckets } = limiter({ burst: 1 });
    await buckets.consume('a');
    clock.pass(400);
    expect(await take(buckets, 'a')).toBe(600);
    clock.pass(599);
    expect(await take(buckets, 'a')).toBe(1);
    clock.pass(1);
    expect(await take(buckets, 'a')).toBe(0);
  });

  it('takes nothing for a request it refuses', async () => {
    const { clock, buckets } = limiter({ burst: 1 });
    await buckets.consume('a');
    for (let i = 0; i < 100; i++) expect(await take(buckets, 'a')).toBe(1_000);
    clock.pass(1_000);
    expect(await take(buckets, 'a')).toBe(0);
  });

  it('counts every key apart', async () => {
    const { buckets } = limiter({ burst: 2 });
    expect(await taken(buckets, 'a', 3)).toBe(2);
    expect(await taken(buckets, 'b', 3)).toBe(2);
  });

  it('takes back, up to a full bucket', async () => {
    const { buckets } = limiter({ burst: 2 });
    await buckets.consume('a');
    await buckets.reward('a');
    await buckets.reward('a');
    expect(await taken(buckets, 'a', 5)).toBe(2);
    expect((await buckets.reward('never seen')).remainingPoints).toBe(2);
  });

  it('shows what is left without taking any, and nothing of a key it does not know', async () => {
    const { buckets } = limiter({ burst: 2 });
    expect(await buckets.get('a')).toBeNull();
    await buckets.consume('a');
    expect(await buckets.get('a')).toMatchObject({ remainingPoints: 1, msBeforeNext: 0 });
    await buckets.consume('a');
    expect(await buckets.get('a')).toMatchObject({ remainingPoints: 0, msBeforeNext: 1_000 });
  });

  it('gives nothing to a blocked key before its time, also when the bucket is full meanwhile', async () => {
    const { clock, buckets } = limiter({ burst: 5, keep: 60_000 });
    await buckets.block('a', 60);
    clock.pass(59_000);
    expect(await buckets.get('a')).toMatchObject({ remainingPoints: 0, msBeforeNext: 1_000 });
    expect(await take(buckets, 'a')).toBe(1_000);
    clock.pass(1_000);
    expect(await take(buckets, 'a')).toBe(0);
  });

  it('forgets keys whose buckets had the time to fill', async () => {
    const { clock, buckets } = limiter({ burst: 5 });
    for (let i = 0; i < 100; i++) await buckets.consume(`key ${i}`);
    expect(buckets.size).toBe(100);
    clock.pass(10_001);
    await buckets.consume('another');
    expect(buckets.size).toBe(1);
  });

  it('T145: stays within its bound whatever number of keys strangers make up', async () => {
    const { buckets } = limiter({ maxKeys: 1_000 });
    let largest = 0;
    for (let i = 0; i < 100_000; i++) {
      await buckets.consume(`stranger ${i}`);
      largest = Math.max(largest, buckets.size);
    }
    expect(largest).toBeLessThanOrEqual(1_000);
  });

  it('refuses as limiters of the library do', async () => {
    const { buckets } = limiter({ burst: 1 });
    await expect(buckets.consume('a')).resolves.toBeInstanceOf(RateLimiterRes);
    await expect(buckets.consume('a')).rejects.toBeInstanceOf(RateLimiterRes);
  });
});

describe('take', () => {
  it('says the same of counters at hand and of such as have to be asked', async () => {
    const { clock, buckets } = limiter({ burst: 2 });
    const { buckets: others, clock: otherClock } = limiter({ burst: 2 });
    const distant = Object.assign(Object.create(others), {
      takeNow: undefined,
      consume: (key: string) => others.consume(key),
    });
    for (const wait of [0, 0, 0, 400, 600, 1, 5_000, 0, 0]) {
      clock.pass(wait);
      otherClock.pass(wait);
      expect(await take(distant, 'a')).toBe(take(buckets, 'a'));
    }
  });

  it('passes on what is no refusal: a limit that cannot be checked lets nobody through', async () => {
    const { buckets } = limiter();
    const gone = () => Promise.reject(new Error('store gone'));
    const broken = Object.assign(Object.create(buckets), { takeNow: undefined, consume: gone });
    await expect(take(broken, 'a')).rejects.toThrow('store gone');
  });
});
