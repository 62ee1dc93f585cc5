import { describe, expect, it } from 'vitest';
import { corridors } from '../testing/corridor.js';
import { ScriptedUpstream } from '../testing/scripted-upstream.js';

const open = corridors();

const tools = (...names: string[]) =>
  JSON.stringify({ tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })) });

const TOOLS_CHANGED = { method: 'notifications/tools/list_changed', params: '' };

describe('list changes', () => {
  it('are told to a session that saw the list otherwise, once, and in its own view only', async () => {
    let names = ['work'];
    const up = new ScriptedUpstream({ 'tools/list': ({ result }) => result(tools(...names)) });
    const corridor = await open({ up, other: new ScriptedUpstream() });
    const [all, one, other, fresh] = [
      corridor.client(),
      corridor.client({ at: 'up' }),
      corridor.client({ at: 'other' }),
      corridor.client(),
    ];
    for (const client of [all, one, other]) await client.result('tools/list');
    for (const client of [all, one, other, fresh]) client.listen();
    names = ['work', 'play'];
    up.announce('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
    await expect.poll(() => all.heard).toEqual([TOOLS_CHANGED]);
    expect(one.heard).toEqual([TOOLS_CHANGED]);
    expect(other.heard).toEqual([]);
    expect(await all.result('tools/list')).toContain('up:play');
  });

  it('that happened while a session had no stream are told when it opens one', async () => {
    let names = ['work'];
    const up = new ScriptedUpstream({ 'tools/list': ({ result }) => result(tools(...names)) });
    const corridor = await open({ up });
    const [away, witness] = [corridor.client(), corridor.client()];
    await away.result('tools/list');
    await witness.result('tools/list');
    witness.listen();
    names = ['play'];
    up.announce('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
    await expect.poll(() => witness.heard).toHaveLength(1);
    away.listen()();
    expect(away.heard).toEqual([TOOLS_CHANGED]);
    away.listen();
    expect(away.heard).toHaveLength(1);
  });

  it('come with another spelling of names, and with servers that are gone', async () => {
    const corridor = await open({ up: new ScriptedUpstream(), other: new ScriptedUpstream() });
    const [all, profiled, one] = [
      corridor.client(),
      corridor.client({ name: 'claude-code' }),
      corridor.client({ at: 'up' }),
    ];
    for (const client of [all, profiled, one]) {
      for (const kind of ['tools', 'resources']) await client.result(`${kind}/list`);
      client.listen();
    }
    corridor.reload({ naming: { separator: '__' } });
    await expect.poll(() => all.heard).toContainEqual(TOOLS_CHANGED);
    all.heard.length = 0;
    expect(profiled.heard).toEqual([]);
    expect(one.heard).toEqual([]);
    corridor.reload({ naming: { separator: '__' } }, ['up']);
    await expect.poll(() => one.heard.map(({ method }) => method)).toContain('notifications/tools/list_changed');
    expect(all.heard.map(({ method }) => method)).toEqual([
      'notifications/tools/list_changed',
      'notifications/prompts/list_changed',
      'notifications/resources/list_changed',
    ]);
  });
});

describe('resource updates', () => {
  const update = (uri: string) =>
    `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"${uri}","x":90071992547409931,"_meta":{"a/b":1,"io.modelcontextprotocol/subscriptionId":1}}}`;

  it.each([
    ['up+file:///a', undefined],
    ['file:///a', undefined],
    ['file:///a', 'up'],
  ])('of %s (at %s) go to who subscribed, under the URI it used', async (uri, at) => {
    const up = new ScriptedUpstream();
    const corridor = await open({ up });
    const [client, other] = [corridor.client({ ...(at !== undefined && { at }) }), corridor.client()];
    await client.result('resources/subscribe', { uri });
    client.listen();
    other.listen();
    up.announce(update('file:///a'));
    expect(client.heard).toEqual([
      {
        method: 'notifications/resources/updated',
        params: `{"uri":"${uri}","x":90071992547409931,"_meta":{"a/b":1}}`,
      },
    ]);
    expect(other.heard).toEqual([]);
    await client.result('resources/unsubscribe', { uri });
    up.announce(update('file:///a'));
    expect(client.heard).toHaveLength(1);
  });

  it('of a part of what was subscribed to name the part', async () => {
    const up = new ScriptedUpstream();
    const corridor = await open({ up });
    const [all, one] = [corridor.client(), corridor.client({ at: 'up' })];
    await all.result('resources/subscribe', { uri: 'up+file:///t/1' });
    await one.result('resources/subscribe', { uri: 'file:///t/1' });
    all.listen();
    one.listen();
    up.announce(update('file:///t/1/part'));
    expect(all.heard[0]?.params).toContain('"uri":"up+file:///t/1/part"');
    expect(one.heard[0]?.params).toContain('"uri":"file:///t/1/part"');
    up.announce(update('file:///t/10'));
    expect(all.heard).toHaveLength(1);
  });

  it('that come with the answer to the subscription are not lost', async () => {
    const up = new ScriptedUpstream();
    up.script = {
      'resources/subscribe': ({ result }) => {
        result('{}');
        queueMicrotask(() => up.announce(update('file:///a')));
      },
    };
    const corridor = await open({ up });
    const client = corridor.client();
    client.listen();
    await client.result('resources/subscribe', { uri: 'up+file:///a' });
    await expect.poll(() => client.heard).toHaveLength(1);
  });

  it('do not follow a subscription that failed, or a session that ended', async () => {
    const up = new ScriptedUpstream({
      'resources/subscribe': ({ params, result, error }) =>
        params['uri'] === 'file:///a' ? result('{}') : error('{"code":-32602,"message":"no"}'),
    });
    const corridor = await open({ up });
    const client = corridor.client();
    client.listen();
    expect(await client.error('resources/subscribe', { uri: 'up+file:///t/1' })).toContain('"no"');
    await client.result('resources/subscribe', { uri: 'up+file:///a' });
    corridor.proxy.closeSession(client.session);
    up.announce(update('file:///t/1'));
    up.announce(update('file:///a'));
    expect(client.heard).toEqual([]);
    await expect.poll(() => up.seen.map(({ method }) => method)).toContain('resources/unsubscribe');
  });
});
