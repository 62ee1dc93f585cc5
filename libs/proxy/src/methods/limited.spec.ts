import { describe, expect, it } from 'vitest';
import { type ObjectRef, principal } from '#libs/kernel';
import { corridors, TestPolicy } from '../testing/corridor.js';
import { RESULTS, type Script, ScriptedUpstream, type Seen } from '../testing/scripted-upstream.js';

const open = corridors();

const argument = { name: 'x', value: '' };

async function world(
  rateLimit: readonly object[],
  script: Script = {},
  visible: (ref: ObjectRef) => boolean = () => true,
) {
  const up = new ScriptedUpstream({ ...RESULTS, ...script });
  const decide = new TestPolicy((ref) => (visible(ref) ? 'allow' : 'hide'));
  const corridor = await open({ up }, { rateLimit, decide });
  corridor.audit.enabled = true;
  const as = (name: string) => corridor.client({ principal: principal('https://idp', name) });
  const calls = () => up.seen.filter(({ method }) => method === 'tools/call').length;
  return { up, corridor, as, calls, events: corridor.audit.events };
}

const WORK = ['tools/call', { name: 'up:work' }] as const;
const LIMITED = { code: 'RATE_LIMITED' };

describe('limits on callers', () => {
  it('keep a call that is over them from the upstream, and other callers out of it', async () => {
    const { as, calls, events } = await world([{ key: 'principal', limit: 2 }]);
    const ann = as('ann');
    await ann.send(...WORK);
    await ann.send(...WORK);
    await expect(ann.send(...WORK)).rejects.toMatchObject(LIMITED);
    expect(calls()).toBe(2);
    await as('bob').send(...WORK);
    expect(calls()).toBe(3);
    expect(events.map(({ event, code }) => [event, code])).toEqual([
      ['call', undefined],
      ['call', undefined],
      ['refused', 'RATE_LIMITED'],
      ['call', undefined],
    ]);
  });

  it('count everything that asks an upstream, and nothing else', async () => {
    const { as } = await world([{ key: 'principal', limit: 5, per: '24h' }]);
    const ann = as('ann');
    for (let i = 0; i < 20; i++) {
      await ann.send('tools/list');
      await ann.send('prompts/list');
      await ann.send('resources/list');
      await ann.send('resources/templates/list');
      await ann.send('logging/setLevel', { level: 'info' });
    }
    await ann.send(...WORK);
    await ann.send('prompts/get', { name: 'up:greet' });
    await ann.send('resources/read', { uri: 'up+file:///a' });
    await ann.send('resources/subscribe', { uri: 'up+file:///a' });
    await ann.send('completion/complete', { ref: { type: 'ref/prompt', name: 'up:greet' }, argument });
    await ann.send('resources/unsubscribe', { uri: 'up+file:///a' });
    for (const method of ['tools/call', 'prompts/get']) {
      await expect(ann.send(method, { name: 'up:work' })).rejects.toMatchObject(LIMITED);
    }
    await expect(ann.send('resources/read', { uri: 'up+file:///a' })).rejects.toMatchObject(LIMITED);
    await ann.send('tools/list');
  });

  it('are asked before any name is looked up: guessing names uses them up too', async () => {
    const { as } = await world([{ key: 'principal', limit: 3 }]);
    const ann = as('ann');
    for (let i = 0; i < 3; i++) {
      await expect(ann.send('tools/call', { name: `up:guess-${i}` })).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' });
    }
    await expect(ann.send(...WORK)).rejects.toMatchObject(LIMITED);
    await expect(ann.send('tools/call', { name: 'up:guess' })).rejects.toMatchObject(LIMITED);
  });
});

describe('limits on tools and servers', () => {
  it('keep calls from the upstream, each tool and server for itself', async () => {
    const { as, calls } = await world([{ key: 'tool', match: 'up:w*', limit: 1 }]);
    await as('ann').send(...WORK);
    await expect(as('bob').send(...WORK)).rejects.toMatchObject({ ...LIMITED, data: { rule: 'tool up:w*' } });
    expect(calls()).toBe(1);
    await as('bob').send('prompts/get', { name: 'up:greet' });
  });

  it('tell nothing of a hidden tool: it is as unknown as one that does not exist, and counts no more', async () => {
    const { as } = await world(
      [
        { key: 'tool', limit: 1 },
        { key: 'server', limit: 1 },
      ],
      {},
      ({ name }) => name !== 'work',
    );
    const said = async (name: string) => {
      const thrown = await as('ann')
        .send('tools/call', { name })
        .catch((error: unknown) => error);
      const { code, message, data } = thrown as { code: string; message: string; data: object };
      return JSON.stringify([code, message.replace(name, '?'), data]);
    };
    for (let i = 0; i < 5; i++) expect(await said('up:work')).toBe(await said('up:nothing'));
    await as('ann').send('prompts/get', { name: 'up:greet' });
    await expect(as('ann').send('prompts/get', { name: 'up:greet' })).rejects.toMatchObject(LIMITED);
  });

  it('count resources by their URI, and completion as a use of what it completes', async () => {
    const { as } = await world([
      { key: 'tool', match: 'resources/up:file:///*', limit: 1 },
      { key: 'principal', match: 'prompts/up:*', limit: 1 },
    ]);
    const read = { uri: 'up+file:///a' };
    await as('ann').send('resources/read', read);
    await expect(as('ann').send('resources/subscribe', read)).rejects.toMatchObject(LIMITED);
    await as('ann').send('resources/read', { uri: 'up+https://x.example/r' });
    const complete = ['completion/complete', { ref: { type: 'ref/prompt', name: 'up:greet' }, argument }] as const;
    await as('ann').send(...complete);
    await expect(as('ann').send(...complete)).rejects.toMatchObject(LIMITED);
  });
});

describe('places among running calls', () => {
  const held: Seen[] = [];
  const HOLD: Script = { 'tools/call': (seen) => void held.push(seen) };
  const ONE = [{ key: 'principal', concurrency: 1 }];

  async function running() {
    held.length = 0;
    const { as, corridor } = await world(ONE, HOLD);
    const ann = as('ann');
    const exchange = ann.exchange();
    const answer = ann.send(...WORK, exchange);
    answer.catch(() => {});
    await expect.poll(() => held.length).toBe(1);
    await expect(ann.send(...WORK)).rejects.toMatchObject({ ...LIMITED, data: { concurrency: 1 } });
    const next = async () => {
      const before = held.length;
      const sent = ann.send(...WORK);
      sent.catch(() => {});
      await expect.poll(() => held.length).toBe(before + 1);
      held.at(-1)?.result('{"content":[]}');
      await sent;
    };
    return { answer, exchange, next, corridor };
  }

  it('are free again after a result', async () => {
    const { answer, next } = await running();
    held[0]?.result('{"content":[]}');
    await answer;
    await next();
  });

  it('are free again after an error of the upstream', async () => {
    const { answer, next } = await running();
    held[0]?.error('{"code":-32000,"message":"no"}');
    await answer;
    await next();
  });

  it('are free again when the caller gives up, though the upstream says nothing more', async () => {
    const { exchange, next } = await running();
    exchange.abort();
    await next();
  });

  it('are kept over a reload that changes the bound', async () => {
    const { answer, next, corridor } = await running();
    corridor.live.sections.rate_limit.replace([
      ...corridor.live.sections.rate_limit.current.map((rule) =>
        Object.assign(Object.create(Object.getPrototypeOf(rule)), rule, { limit: 50 }),
      ),
    ]);
    held[0]?.result('{"content":[]}');
    await answer;
    await next();
  });
});

describe('readmit', () => {
  it('counts a retry of a parked call as a request, takes no place, and knows no more than the view', async () => {
    const { as, corridor } = await world([{ key: 'principal', limit: 3, concurrency: 1 }]);
    const ann = as('ann');
    const waiting = ann.exchange();
    const retry = async (name: string) =>
      corridor.proxy.readmit(ann.exchange(), ann.message('tools/call', { name }), waiting).judging;
    await retry('up:work');
    await retry('up:work');
    await retry('up:work');
    await expect(retry('up:nothing')).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' });
    await expect(retry('up:work')).rejects.toMatchObject({ ...LIMITED, data: { key: 'rate_limit[].limit' } });
  });
});
