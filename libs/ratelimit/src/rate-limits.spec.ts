import { describe, expect, it } from 'vitest';
import { caller, limitsOf, passed, request, rule, tool } from './testing/limits.js';

describe('rate_limit rules', () => {
  it('ask nobody when there are none', () => {
    expect(limitsOf().limits.begin(caller())).toBeUndefined();
  });

  it('give a principal its burst, then its rate', async () => {
    const { limits, clock } = limitsOf(rule({ key: 'principal', limit: 60, per: 60_000, burst: 20 }));
    expect(await passed(50, () => request(limits, caller()))).toBe(20);
    clock.pass(5_000);
    expect(await passed(50, () => request(limits, caller()))).toBe(5);
    expect(await passed(50, () => request(limits, caller({ subject: 'bob' })))).toBe(20);
  });

  it.each([
    ['client', { client: 'claude' }, { client: 'cursor' }],
    ['ip', { address: '203.0.113.1' }, { address: '203.0.113.2' }],
  ] as const)('count by %s', async (key, one, another) => {
    const { limits } = limitsOf(rule({ key, limit: 2 }));
    expect(await passed(5, () => request(limits, caller({ ...one, subject: 'x' })))).toBe(2);
    expect(await passed(5, () => request(limits, caller({ ...one, subject: 'y' })))).toBe(0);
    expect(await passed(5, () => request(limits, caller(another)))).toBe(2);
  });

  it('count a tool over all callers, every tool apart', async () => {
    const { limits } = limitsOf(rule({ key: 'tool', limit: 2 }));
    const call = (subject: string, name: string) => request(limits, caller({ subject }), tool(name));
    expect(await passed(3, () => call('ann', 'n8n:send'))).toBe(2);
    expect(await passed(3, () => call('bob', 'n8n:send'))).toBe(0);
    expect(await passed(3, () => call('bob', 'n8n:read'))).toBe(2);
  });

  it('count a server over everything it offers', async () => {
    const { limits } = limitsOf(rule({ key: 'server', limit: 3 }));
    expect(await request(limits, caller(), tool('n8n:send'))).toBeUndefined();
    expect(await request(limits, caller(), { kind: 'prompt', server: 'n8n', name: 'greet' })).toBeUndefined();
    expect(await request(limits, caller(), { kind: 'resource', server: 'n8n', name: 'file:///a' })).toBeUndefined();
    expect(await request(limits, caller(), tool('n8n:send'))).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await request(limits, caller(), tool('github:search'))).toBeUndefined();
  });

  it('count only what matches, also when callers are counted', async () => {
    const { limits } = limitsOf(rule({ key: 'principal', match: 'n8n:send_*', limit: 1 }));
    expect(await passed(5, () => request(limits, caller(), tool('n8n:read')))).toBe(5);
    expect(await passed(5, () => request(limits, caller(), tool('github:send_mail')))).toBe(5);
    expect(await passed(5, () => request(limits, caller(), tool('n8n:send_mail')))).toBe(1);
    expect(await passed(5, () => request(limits, caller(), tool('n8n:send_fax')))).toBe(0);
    expect(await passed(5, () => request(limits, caller()))).toBe(5);
  });

  it.each([
    ['prompts/n8n:*', 'prompt'],
    ['resources/n8n:file:///*', 'resource'],
    ['templates/*:*', 'template'],
  ] as const)('%s counts %s only', async (match, kind) => {
    const { limits } = limitsOf(rule({ key: 'server', match, limit: 1 }));
    const about = { server: 'n8n', name: 'file:///a' };
    expect(await passed(3, () => request(limits, caller(), { kind, ...about }))).toBe(1);
    expect(await passed(3, () => request(limits, caller(), { kind: 'tool', ...about }))).toBe(3);
  });

  it('a kind of * counts all kinds', async () => {
    const { limits } = limitsOf(rule({ key: 'server', match: '*/n8n:*', limit: 1 }));
    const about = { server: 'n8n', name: 'a' };
    expect(await request(limits, caller(), { kind: 'tool', ...about })).toBeUndefined();
    expect(await request(limits, caller(), { kind: 'prompt', ...about })).toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('say which limit was hit, of what, and when to come back', async () => {
    const settings = { limit: 60, per: 60_000, burst: 1, concurrency: 1 } as const;
    const { limits } = limitsOf(rule({ key: 'principal', match: 'n8n:*', ...settings }));
    await request(limits, caller(), tool('n8n:send'));
    const error = await request(limits, caller(), tool('n8n:send'));
    expect(error?.message).toBe(
      'You may make 60 calls a minute to n8n:*, 1 at once, and none is left; try again in 1 second',
    );
    expect(error?.data).toEqual({
      key: 'rate_limit[].limit',
      rule: 'principal n8n:*',
      limit: 60,
      per: 60,
      burst: 1,
      retryAfter: 1,
    });
  });

  it.each([
    [
      rule({ key: 'client', limit: 1 }),
      'This client may make 1 call a minute, and none is left; try again in 60 seconds',
    ],
    [
      rule({ key: 'ip', limit: 1, per: 3_600_000 }),
      'Your network address may make 1 call an hour, and none is left; try again in 3600 seconds',
    ],
    [
      rule({ key: 'tool', limit: 1, per: 10_000 }),
      'n8n:send takes 1 call in 10 seconds from all callers together, and none is left; try again in 10 seconds',
    ],
    [
      rule({ key: 'server', limit: 1, per: 1_000, match: 'n8n:*' }),
      'The server n8n takes 1 call a second to n8n:* from all callers together, and none is left; try again in 1 second',
    ],
  ])('speaks plainly of %o', async (settings, sentence) => {
    const { limits } = limitsOf(settings);
    await request(limits, caller(), tool('n8n:send'));
    expect((await request(limits, caller(), tool('n8n:send')))?.message).toBe(sentence);
  });

  it('a request that one rule refuses costs nothing of the others', async () => {
    const { limits } = limitsOf(
      rule({ key: 'principal', limit: 10, concurrency: 1 }),
      rule({ key: 'tool', match: 'n8n:send', limit: 1 }),
    );
    expect(await passed(9, () => request(limits, caller(), tool('n8n:send')))).toBe(1);
    expect(await passed(20, () => request(limits, caller(), tool('n8n:read')))).toBe(9);
  });
});

describe('concurrency', () => {
  it('holds a place until the call has its outcome', async () => {
    const { limits } = limitsOf(rule({ key: 'principal', concurrency: 2 }));
    const first = await limits.begin(caller());
    const second = await limits.begin(caller());
    const refused = await request(limits, caller());
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', data: { key: 'rate_limit[].concurrency', retryAfter: 1 } });
    expect(refused?.message).toBe(
      'You may make 2 calls at a time, and that many are running; try again when one has finished',
    );
    expect(await request(limits, caller({ subject: 'bob' }))).toBeUndefined();
    first?.release();
    first?.release();
    expect(await request(limits, caller())).toBeUndefined();
    const third = await limits.begin(caller());
    expect(await request(limits, caller())).toBeDefined();
    second?.release();
    third?.release();
    expect(await request(limits, caller())).toBeUndefined();
  });

  it('gives places back that were taken before a later rule refused', async () => {
    const { limits } = limitsOf(
      rule({ key: 'principal', concurrency: 1 }),
      rule({ key: 'server', match: 'n8n:*', limit: 1 }),
    );
    expect(await request(limits, caller(), tool('n8n:a'))).toBeUndefined();
    for (let i = 0; i < 3; i++) {
      expect(await request(limits, caller(), tool('n8n:a'))).toMatchObject({ data: { rule: 'server n8n:*' } });
    }
    expect(await request(limits, caller(), tool('github:a'))).toBeUndefined();
  });

  it('takes no place for a call whose caller left while it was being asked about', async () => {
    const { limits } = limitsOf(rule({ key: 'principal', limit: 100 }), rule({ key: 'tool', concurrency: 1 }));
    const permit = await limits.begin(caller());
    const asking = permit?.use(tool('n8n:send'));
    permit?.release();
    await asking;
    await permit?.use(tool('n8n:send'));
    expect(await request(limits, caller(), tool('n8n:send'))).toBeUndefined();
  });

  it('a request that takes up a parked call counts as a request, and needs no second place', async () => {
    const { limits } = limitsOf(rule({ key: 'principal', limit: 3, concurrency: 1 }));
    const parked = await limits.begin(caller());
    await limits.resume(caller());
    await limits.resume(caller());
    await expect(limits.resume(caller())).rejects.toMatchObject({ data: { key: 'rate_limit[].limit' } });
    parked?.release();
  });
});

describe('a reload', () => {
  const calls = rule({ key: 'principal', limit: 5 });

  it('keeps what was used of rules that stay, wherever they stand', async () => {
    const { limits, reload } = limitsOf(calls);
    expect(await passed(4, () => request(limits, caller()))).toBe(4);
    reload(rule({ key: 'ip', limit: 100 }), rule({ key: 'principal', limit: 5 }));
    expect(await passed(4, () => request(limits, caller()))).toBe(1);
  });

  it('begins anew with a rule that changed, and drops one that is gone', async () => {
    const { limits, reload } = limitsOf(calls);
    await passed(5, () => request(limits, caller()));
    reload(rule({ key: 'principal', limit: 2 }));
    expect(await passed(4, () => request(limits, caller()))).toBe(2);
    reload();
    expect(limits.begin(caller())).toBeUndefined();
  });

  it('counts running calls under a new bound too, and frees their places after it', async () => {
    const { limits, reload } = limitsOf(rule({ key: 'principal', concurrency: 3 }));
    const running = await Promise.all([limits.begin(caller()), limits.begin(caller())]);
    reload(rule({ key: 'principal', concurrency: 2 }));
    expect(await request(limits, caller())).toMatchObject({ code: 'RATE_LIMITED' });
    for (const permit of running) permit?.release();
    expect(await request(limits, caller())).toBeUndefined();
  });

  it('counts two equal rules apart', async () => {
    const { limits, reload } = limitsOf(calls, calls);
    expect(await passed(9, () => request(limits, caller()))).toBe(5);
    reload(calls, calls);
    expect(await passed(9, () => request(limits, caller()))).toBe(0);
  });
});
