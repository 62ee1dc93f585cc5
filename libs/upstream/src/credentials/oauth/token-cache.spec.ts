import { describe, expect, it } from 'vitest';
import { deferred } from '../../transports/shared/deferred.js';
import { type Grant, TokenCache, TokenError, type TokenRequest } from './token-cache.js';

/** A cache under a clock and a chance of the test's own, and a server that is asked by hand. */
class Bench {
  now = 1_000_000;
  /** What the date is ahead of the clock that only goes on. */
  date = 0;
  chance = 0;
  asked = 0;
  answer: (count: number) => Promise<Grant> = (count) => Promise.resolve({ token: `t${count}`, life: 3_600_000 });
  readonly cache = new TokenCache({
    elapsed: () => this.now,
    now: () => this.now + this.date,
    random: () => this.chance,
    size: 100,
  });

  request(key = 'k', clientKey = 'c'): TokenRequest {
    return {
      key,
      clientKey,
      fetch: () => {
        this.asked += 1;
        return this.answer(this.asked);
      },
    };
  }

  get(key?: string, clientKey?: string) {
    return this.cache.get(this.request(key, clientKey));
  }

  async failure(key?: string, clientKey?: string): Promise<TokenError> {
    const thrown = await Promise.resolve(this.get(key, clientKey)).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(thrown).toBeInstanceOf(TokenError);
    return thrown as TokenError;
  }
}

const seconds = (count: number) => count * 1_000;
const fails =
  (kind: TokenError['kind'], text = 'it said no') =>
  () =>
    Promise.reject(new TokenError(kind, text));

describe('a token', () => {
  it('is asked for once and then at hand without a promise', async () => {
    const bench = new Bench();
    expect(await bench.get()).toBe('t1');
    expect(bench.get()).toBe('t1');
    expect(bench.asked).toBe(1);
  });

  it('is asked for once, whoever waits: 100 callers share one request and its result', async () => {
    const bench = new Bench();
    const held = deferred<Grant>();
    bench.answer = () => held.promise;
    const waiting = Array.from({ length: 100 }, () => bench.get());
    held.resolve({ token: 'shared', life: 60_000 });
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['shared']));
    expect(bench.asked).toBe(1);
  });

  it('that cannot be had fails all who wait for it alike, with one request', async () => {
    const bench = new Bench();
    bench.answer = fails('refused');
    const waiting = Array.from({ length: 100 }, () => Promise.resolve(bench.get()).catch((error: Error) => error));
    const errors = await Promise.all(waiting);
    expect(new Set(errors.map((error) => (error as Error).message))).toEqual(new Set(['it said no']));
    expect(bench.asked).toBe(1);
  });

  it.each([
    ['an hour', seconds(3600), seconds(3240)],
    ['five minutes', seconds(300), seconds(270)],
    ['no time anybody knows', undefined, seconds(270)],
    ['forty seconds', seconds(40), seconds(20)],
  ])('of %s is used until its margin', async (_name, life, until) => {
    const bench = new Bench();
    bench.answer = (count) => Promise.resolve({ token: `t${count}`, life });
    expect(await bench.get()).toBe('t1');
    // Not renewed in the background: that fails, and is none of this test's business.
    bench.answer = () => new Promise(() => {});
    bench.now += until - 1;
    expect(bench.get()).toBe('t1');
    bench.now += 1;
    expect(bench.get()).toBeInstanceOf(Promise);
  });

  it('has a margin that differs by chance, so that gateways do not all ask at once', async () => {
    const bench = new Bench();
    bench.chance = 1;
    await bench.get();
    bench.answer = () => new Promise(() => {});
    bench.now += seconds(3600 - 432) - 1;
    expect(bench.get()).toBe('t1');
    bench.now += 1;
    expect(bench.get()).toBeInstanceOf(Promise);
  });

  it('lives as long as it was given, and a failure blocks no longer than its wait, when the date is set back', async () => {
    const bench = new Bench();
    await bench.get();
    bench.date = -seconds(7200);
    bench.now += seconds(3600);
    bench.answer = fails('unavailable');
    await bench.failure();
    bench.date = -seconds(14_400);
    bench.now += seconds(600);
    bench.answer = (count) => Promise.resolve({ token: `t${count}`, life: seconds(3600) });
    expect(await bench.get()).toBe('t3');
  });

  it('is never used longer than the token it was exchanged for', async () => {
    const bench = new Bench();
    bench.answer = (count) =>
      Promise.resolve({ token: `t${count}`, life: seconds(3600), until: bench.now + seconds(100) });
    expect(await bench.get()).toBe('t1');
    bench.now += seconds(100);
    expect(await bench.get()).toBe('t2');
  });

  it('is renewed in the background past four fifths of its life, while the old one serves', async () => {
    const bench = new Bench();
    await bench.get();
    const held = deferred<Grant>();
    bench.answer = () => held.promise;
    bench.now += seconds(2879);
    expect(bench.get()).toBe('t1');
    expect(bench.asked).toBe(1);
    bench.now += seconds(1);
    for (let n = 0; n < 10; n++) expect(bench.get()).toBe('t1');
    expect(bench.asked).toBe(2);
    held.resolve({ token: 'next', life: seconds(3600) });
    await held.promise;
    await expect.poll(() => bench.get()).toBe('next');
  });

  it('that cannot be renewed serves to its end, and the server is asked at growing intervals', async () => {
    const bench = new Bench();
    bench.chance = 1;
    await bench.get();
    bench.answer = fails('unavailable');
    bench.now += seconds(2_900);
    const asked: number[] = [];
    for (let second = 0; second < 60; second++) {
      const before = bench.asked;
      expect(bench.get()).toBe('t1');
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      if (bench.asked > before) asked.push(second);
      bench.now += seconds(1);
    }
    expect(asked).toEqual([0, 1, 3, 7, 15, 31]);
  });

  it('is one for each key, of which a bounded number is kept', async () => {
    const bench = new Bench();
    for (let n = 0; n < 1_000; n++) await bench.get(`k${n}`);
    expect(bench.asked).toBe(1_000);
    expect(bench.get('k999')).toBe('t1000');
    expect(bench.get('k0')).toBeInstanceOf(Promise);
  });
});

describe('a token the upstream refuses', () => {
  it('is forgotten, and another one is asked for', async () => {
    const bench = new Bench();
    await bench.get();
    expect(bench.cache.refused('k', 't1')).toBe(true);
    expect(await bench.get()).toBe('t2');
  });

  it('takes no younger one with it', async () => {
    const bench = new Bench();
    await bench.get();
    bench.cache.refused('k', 't1');
    await bench.get();
    // The 401 of a slow request that still went with the first one.
    expect(bench.cache.refused('k', 't1')).toBe(true);
    expect(bench.get()).toBe('t2');
    expect(bench.asked).toBe(2);
  });

  it('is replaced once however many calls it was refused to', async () => {
    const bench = new Bench();
    await bench.get();
    const again = Array.from({ length: 100 }, () => {
      expect(bench.cache.refused('k', 't1')).toBe(true);
      return bench.get();
    });
    expect(new Set(await Promise.all(again))).toEqual(new Set(['t2']));
    expect(bench.asked).toBe(2);
  });

  it('does not make a loop: one that was got instead and is refused too stands for half a minute', async () => {
    const bench = new Bench();
    await bench.get();
    bench.cache.refused('k', 't1');
    await bench.get();
    expect(bench.cache.refused('k', 't2')).toBe(false);
    expect(bench.get()).toBe('t2');
    bench.now += seconds(31);
    expect(bench.cache.refused('k', 't2')).toBe(true);
    expect(await bench.get()).toBe('t3');
  });
});

describe('a server that gives no token', () => {
  it('and knows no such client is left alone for five minutes, whatever is asked for', async () => {
    const bench = new Bench();
    bench.answer = fails('rejected', 'invalid_client');
    expect((await bench.failure('a')).message).toBe('invalid_client');
    expect((await bench.failure('b')).message).toBe('invalid_client; it is asked again in 300 s');
    bench.now += seconds(299);
    await bench.failure('a');
    expect(bench.asked).toBe(1);
    // Another secret is another client.
    await bench.failure('a', 'other');
    expect(bench.asked).toBe(2);
    bench.now += seconds(1);
    await bench.failure('a');
    expect(bench.asked).toBe(3);
  });

  it('and is out of order is asked after 1, 2, 4 … 30 seconds', async () => {
    const bench = new Bench();
    bench.chance = 1;
    bench.answer = fails('unavailable');
    const waits: number[] = [];
    let last = bench.now;
    for (let second = 0; second < 130; second++) {
      const before = bench.asked;
      await bench.failure();
      if (bench.asked > before) {
        waits.push((bench.now - last) / 1_000);
        last = bench.now;
      }
      bench.now += seconds(1);
    }
    expect(waits).toEqual([0, 1, 2, 4, 8, 16, 30, 30, 30]);
  });

  it('to one request may well give one to another', async () => {
    const bench = new Bench();
    bench.answer = fails('refused', 'invalid_grant');
    await bench.failure('alice');
    bench.answer = () => Promise.resolve({ token: 'of-bob', life: seconds(60) });
    expect(await bench.get('bob')).toBe('of-bob');
    expect((await bench.failure('alice')).message).toMatch(/^invalid_grant; it is asked again in \d+ s$/);
  });

  it('for reasons nobody foresaw fails like one that cannot be asked, and says nothing of them', async () => {
    const bench = new Bench();
    bench.answer = () => Promise.reject(new Error('secret inside'));
    expect((await bench.failure()).message).toBe('the token could not be asked for');
  });
});
