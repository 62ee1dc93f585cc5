import { describe, expect, it } from 'vitest';
import type { ObjectRef } from '#libs/kernel';
import type { Decision } from '#libs/plugin';
import { corridors, TestPolicy } from '../testing/corridor.js';
import { RESULTS, type Script, ScriptedUpstream } from '../testing/scripted-upstream.js';

const open = corridors();

async function world(script: Script = {}, effects: (ref: ObjectRef) => Decision['effect'] = () => 'allow') {
  const up = new ScriptedUpstream({ ...RESULTS, ...script });
  const policy = new TestPolicy(effects);
  const corridor = await open({ up }, { decide: policy });
  corridor.audit.enabled = true;
  const { events } = corridor.audit;
  return { up, policy, corridor, client: corridor.client({ name: 'desk' }), events };
}

const argument = { name: 'x', value: 'v' };

describe('the audit of calls', () => {
  it.each([
    ['tools/call', { name: 'up:work', arguments: { a: 1 } }, 'work', '{"a":1}'],
    ['prompts/get', { name: 'up:greet', arguments: { b: '2' } }, 'greet', '{"b":"2"}'],
    ['resources/read', { uri: 'up+file:///a' }, 'file:///a', undefined],
    ['resources/subscribe', { uri: 'up+file:///a' }, 'file:///a', undefined],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'up:greet' }, argument },
      'greet',
      JSON.stringify(argument),
    ],
  ])('has one event per %s', async (method, params, object, given) => {
    const { client, events } = await world();
    await client.send(method, params);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      event: 'call',
      requestId: 'request-1',
      client: { name: 'desk', version: '1' },
      remoteAddress: '127.0.0.1',
      endpoint: '/mcp',
      method,
      server: 'up',
      object,
      decision: 'allow',
      rule: 'test',
      policyVersion: 1,
      outcome: 'result',
      durationMs: expect.any(Number),
    });
    const told = events[0]?.arguments;
    expect(told?.bytes.toString('utf8', told.start, told.end)).toBe(given);
  });

  it('has none for lists and the like', async () => {
    const { client, events } = await world();
    await client.send('tools/list');
    await client.send('logging/setLevel', { level: 'info' });
    expect(events).toEqual([]);
  });

  it('names what the client called it where that differs', async () => {
    const { corridor, events } = await world();
    await corridor.client({ at: 'up' }).send('tools/call', { name: 'work' });
    await corridor.client().send('tools/call', { name: 'up:work' });
    expect(events.map(({ endpoint, object, exposed }) => [endpoint, object, exposed])).toEqual([
      ['/mcp/up', 'work', 'work'],
      ['/mcp', 'work', undefined],
    ]);
  });

  it.each([
    ['tools/call', { name: 'up:secret', uri: 'x', ref: { name: 'harmless' } }, 'up:secret'],
    ['resources/read', { uri: 'nope+file:///secret', name: 'harmless' }, 'nope+file:///secret'],
    [
      'completion/complete',
      { ref: { type: 'ref/resource', uri: 'file:///secret', name: 'harmless' }, argument },
      'file:///secret',
    ],
  ])('names of %s what was asked for, whatever else is in its params', async (method, params, object) => {
    const { client, events } = await world();
    await client.send(method, params).catch(() => {});
    expect(events).toMatchObject([{ method, object }]);
  });

  it.each([
    ['tool_error', undefined, ({ result }) => result('{"content":[],"isError":true}')],
    ['error', '-32000', ({ error }) => error('{"code":-32000,"message":"no"}')],
  ] satisfies [string, string | undefined, Script[string]][])(
    'tells a %s from a result',
    async (outcome, code, script) => {
      const { client, events } = await world({ 'tools/call': script });
      await client.send('tools/call', { name: 'up:work' });
      expect(events).toMatchObject([{ event: 'call', decision: 'allow', outcome, code }]);
    },
  );

  it('is not even put together while nobody reads it', async () => {
    const { client, corridor, events } = await world();
    corridor.audit.enabled = false;
    await client.send('tools/call', { name: 'up:work' });
    expect(events).toEqual([]);
  });
});

describe('the audit of listen streams', () => {
  const wish = {
    toolsListChanged: true,
    promptsListChanged: false,
    resourcesListChanged: false,
    resourceSubscriptions: ['up+file:///a', 'nope+file:///x'],
  };

  it('has one event per resource that is asked for, and only what may be used is watched', async () => {
    const { client, corridor, events, up } = await world();
    const listening = corridor.proxy.listen(client.exchange(), wish, () => {});
    expect((await listening.honoured).resourceSubscriptions).toEqual(['up+file:///a']);
    listening.stop();
    expect(events).toHaveLength(2);
    expect(events).toContainEqual(
      expect.objectContaining({
        event: 'call',
        method: 'subscriptions/listen',
        object: 'file:///a',
        decision: 'allow',
      }),
    );
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'denied', decision: 'hide', object: 'nope+file:///x', outcome: 'refused' }),
    );
    expect(up.seen.some(({ method }) => method === 'resources/subscribe')).toBe(true);
  });

  it('has a resource that needs another scope as denied, and the upstream never hears of it', async () => {
    const { client, corridor, events, up } = await world({}, () => 'challenge');
    const listening = corridor.proxy.listen(client.exchange(), wish, () => {});
    expect((await listening.honoured).resourceSubscriptions).toEqual([]);
    listening.stop();
    expect(events).toContainEqual(expect.objectContaining({ event: 'denied', decision: 'challenge', rule: 'test' }));
    expect(up.seen.some(({ method }) => method === 'resources/subscribe')).toBe(false);
  });
});

describe('the audit of refusals', () => {
  it.each([
    ['tools/call', { name: 'up:wurk' }, 'up:wurk', 'UNKNOWN_TOOL'],
    ['prompts/get', { name: 'up:graat' }, 'up:graat', 'UNKNOWN_PROMPT'],
    ['resources/read', { uri: 'nope+file:///x' }, 'nope+file:///x', 'UNKNOWN_RESOURCE'],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'up:graat' }, argument }, 'up:graat', undefined],
  ])('has what nobody knows as hidden: %s', async (method, params, object, code) => {
    const { client, events } = await world();
    await client.send(method, params).catch(() => {});
    expect(events).toMatchObject([{ event: 'denied', decision: 'hide', method, object, outcome: 'refused', code }]);
    expect(events[0]?.server).toBeUndefined();
  });

  it.each([
    ['tools/call', { name: 'up:work' }, 'work', 'UNKNOWN_TOOL'],
    ['prompts/get', { name: 'up:greet' }, 'greet', 'UNKNOWN_PROMPT'],
    ['resources/read', { uri: 'up+file:///a' }, 'file:///a', 'UNKNOWN_RESOURCE'],
    ['resources/read', { uri: 'up+file:///unlisted' }, 'file:///unlisted', 'UNKNOWN_RESOURCE'],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'up:greet' }, argument }, 'greet', undefined],
  ])('has what a caller may not see with the rule that hides it: %s', async (method, params, object, code) => {
    const { client, events, up } = await world({}, () => 'hide');
    const told = await client.send(method, params).catch((error: Error) => error);
    expect(events).toMatchObject([
      { event: 'denied', decision: 'hide', rule: 'test', server: 'up', object, outcome: 'refused', code },
    ]);
    expect(JSON.stringify([told, (told as Error).message])).not.toContain('test');
    expect(up.seen.some((seen) => seen.method === method)).toBe(false);
  });

  it('has a step-up with the rule that asks for it', async () => {
    const { client, events } = await world({}, () => 'challenge');
    await client.send('tools/call', { name: 'up:work' }).catch(() => {});
    expect(events).toMatchObject([
      {
        event: 'denied',
        decision: 'challenge',
        rule: 'test',
        server: 'up',
        object: 'work',
        code: 'INSUFFICIENT_SCOPE',
      },
    ]);
  });

  it('says that a call went through although its result was withheld', async () => {
    const { client, events, policy } = await world({
      'tools/call': ({ result }) => {
        policy.set(() => 'hide');
        result('{"content":[]}');
      },
    });
    await client.send('tools/call', { name: 'up:work' }).catch(() => {});
    expect(events).toMatchObject([{ event: 'call', decision: 'hide', outcome: 'error', code: 'UNKNOWN_TOOL' }]);
  });

  it('has what could not be understood as refused', async () => {
    const { client, events } = await world();
    await client.send('tools/call', { name: 7 }).catch(() => {});
    expect(events).toMatchObject([{ event: 'refused', outcome: 'refused', code: 'INVALID_PARAMS' }]);
    expect(events[0]?.decision).toBeUndefined();
  });
});
