import { describe, expect, it } from 'vitest';
import { corridors, TestPolicy } from './testing/corridor.js';
import { RESULTS, ScriptedUpstream } from './testing/scripted-upstream.js';

const open = corridors();

/** An upstream that is still being connected, and the ways that can end. */
async function world(policy = new TestPolicy()) {
  const late = new ScriptedUpstream(RESULTS);
  const ends = { arrive: () => {}, fail: (_: Error) => {} };
  late.opens = new Promise<void>((resolve, reject) => {
    ends.arrive = resolve;
    ends.fail = reject;
  });
  const corridor = await open({ late, other: new ScriptedUpstream(RESULTS) }, { late: ['late'], decide: policy });
  return { corridor, client: corridor.client(), late, ...ends };
}

describe('a request about something of an upstream that is still being connected', () => {
  it.each([
    ['tools/call', '{"name":"late:work"}'],
    ['prompts/get', '{"name":"late:greet"}'],
    ['resources/read', '{"uri":"late+file:///a"}'],
  ])('waits for it (%s)', async (method, params) => {
    const { arrive, client, late } = await world();
    const answer = client.result(method, params);
    arrive();
    await answer;
    expect(late.seen.filter((seen) => seen.method === method)).toHaveLength(1);
  });

  it('is told why when it cannot be', async () => {
    const { client, fail } = await world();
    const answer = client.result('tools/call', '{"name":"late:work"}');
    fail(new Error('nobody there'));
    await expect(answer).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE', notExecuted: true });
  });

  it('is unknown when it has arrived without it', async () => {
    const { arrive, client } = await world();
    const answer = client.result('tools/call', '{"name":"late:nothing"}');
    arrive();
    await expect(answer).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' });
  });

  it('ends with its caller', async () => {
    const { arrive, client } = await world();
    const exchange = client.exchange();
    const answer = client.send('tools/call', '{"name":"late:work"}', exchange);
    exchange.abort();
    await expect(answer).rejects.toMatchObject({ code: 'CANCELLED' });
    arrive();
  });

  it('waits once, however often it is looked at', async () => {
    const { corridor, client, fail, late } = await world();
    const exchange = client.exchange();
    const message = client.message('tools/call', '{"name":"late:work"}');
    const warm = corridor.proxy.warm(exchange, message);
    fail(new Error('nobody there'));
    await warm;
    await expect(corridor.proxy.handle(exchange, message)).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
    expect(late.seen).toEqual([]);
  });
});

describe('nobody waits', () => {
  it('who may not know of that upstream', async () => {
    const { arrive, client } = await world(new TestPolicy(({ server }) => (server === 'late' ? 'hide' : 'allow')));
    await expect(client.result('tools/call', '{"name":"late:work"}')).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' });
    arrive();
  });

  it('for another one', async () => {
    const { arrive, client } = await world();
    expect(await client.result('tools/call', '{"name":"other:work"}')).toContain('content');
    await expect(client.result('tools/call', '{"name":"nobody:work"}')).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' });
    arrive();
  });
});
