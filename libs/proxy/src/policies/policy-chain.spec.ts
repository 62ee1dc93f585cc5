import { describe, expect, it } from 'vitest';
import { TestPolicy } from '../testing/corridor.js';
import { allow, allowing, deny, type Judge, judgedWorld, params, result, WORK } from '../testing/judges.js';
import type { Script } from '../testing/scripted-upstream.js';

describe('call policies', () => {
  it.each([
    ['tools/call', WORK, { kind: 'tool', name: 'work' }],
    ['prompts/get', { name: 'up:greet' }, { kind: 'prompt', name: 'greet' }],
    ['resources/read', { uri: 'up+file:///a' }, { kind: 'resource', name: 'file:///a' }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'up:greet' }, argument: { name: 'x', value: '' } },
      { kind: 'prompt' },
    ],
  ])('judge a %s before it is sent, and what came of it', async (method, request, object) => {
    const seen: unknown[] = [];
    const { client, sent } = await judgedWorld({
      watch: {
        before: ({ method, object, params, resumed, requestId }) => {
          seen.push({ method, object, params: JSON.parse(params.toString()), resumed, requestId, sent: sent().length });
          return allow;
        },
        after: (call, { kind }) => {
          seen.push([call.method, kind]);
          return allow;
        },
      },
    });
    await client.send(method, request);
    expect(seen).toEqual([
      expect.objectContaining({ method, resumed: false, requestId: 'request-1', sent: 0 }),
      [method, 'result'],
    ]);
    expect(seen[0]).toMatchObject({ object: { server: 'up', ...object } });
    expect(sent()[0]?.params).toMatchObject((seen[0] as { params: object }).params);
  });

  it('judge by their order, then by name; outcomes the other way round', async () => {
    const seen: string[] = [];
    const note = (name: string, order?: number): Judge => ({
      ...(order !== undefined && { order }),
      before: () => allowing(seen.push(`${name} before`)),
      after: () => allowing(seen.push(`${name} after`)),
    });
    const { client } = await judgedWorld({
      b: note('b'),
      a: note('a'),
      first: note('first', -1),
      last: note('last', 1),
    });
    await client.send('tools/call', WORK);
    expect(seen).toEqual([
      ...['first before', 'a before', 'b before', 'last before'],
      ...['last after', 'b after', 'a after', 'first after'],
    ]);
  });

  it('deny before anything is sent; the client is told the name, the audit the reason', async () => {
    const { client, sent, events } = await judgedWorld({ no: { before: () => deny } });
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      data: { rule: 'no' },
      message: expect.not.stringContaining('because'),
    });
    expect(sent()).toEqual([]);
    expect(events).toMatchObject([
      { event: 'denied', decision: 'deny', rule: 'policy:no', reason: 'because', outcome: 'refused', server: 'up' },
    ]);
  });

  it('deny what was done already, and say that it may have been', async () => {
    const { client, sent } = await judgedWorld({ no: { after: () => deny } });
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      data: { rule: 'no', mayHaveExecuted: true },
    });
    expect(sent()).toHaveLength(1);
  });

  it.each(['before', 'after'] as const)(
    'keep nobody waiting who gave up, %s the call',
    async (when) => {
      let begun = () => {};
      const judging = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const { client } = await judgedWorld({
        slow: {
          [when]: () => {
            begun();
            return new Promise<never>(() => {});
          },
        },
      });
      const exchange = client.exchange();
      const call = client.send('tools/call', WORK, exchange);
      await judging;
      exchange.abort();
      await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    },
    5_000,
  );

  it('withhold what came of a call, which the audit does not hide', async () => {
    const { client, sent, events } = await judgedWorld({ no: { after: () => deny } });
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(sent()).toHaveLength(1);
    expect(events).toMatchObject([{ event: 'call', decision: 'deny', rule: 'policy:no', outcome: 'error' }]);
  });

  it('never hear of what permissions do not allow', async () => {
    let heard = 0;
    const { client } = await judgedWorld(
      { watch: { before: () => allowing(heard++) } },
      { decide: new TestPolicy(() => 'hide') },
    );
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' });
    expect(heard).toBe(0);
  });

  it('take their time, in which a permission that goes is gone', async () => {
    const decide = new TestPolicy();
    const { client, sent } = await judgedWorld(
      { slow: { before: async () => allowing(decide.set(() => 'hide')) } },
      { decide },
    );
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' });
    expect(sent()).toEqual([]);
  });

  it('rewrite params one after the other, and what the client gets', async () => {
    const { client, sent } = await judgedWorld({
      a: { before: () => params({ name: 'work', arguments: { a: 2 } }), after: () => result({ content: [], a: true }) },
      b: {
        before: ({ params: own }) => {
          expect(JSON.parse(own.toString())).toEqual({ name: 'work', arguments: { a: 2 } });
          return params({ name: 'work', arguments: { a: 3 }, _meta: { k: 1 } });
        },
      },
    });
    expect(await client.result('tools/call', WORK)).toBe('{"content":[],"a":true}');
    expect(sent()[0]?.params).toEqual({ name: 'work', arguments: { a: 3 }, _meta: expect.objectContaining({ k: 1 }) });
  });

  it('see errors and questions of upstreams too', async () => {
    const kinds: string[] = [];
    const watch: Judge = { after: (_, { kind }) => allowing(kinds.push(kind)) };
    const script: Script = { 'tools/call': ({ error }) => error('{"code":-32000,"message":"told"}') };
    const { client } = await judgedWorld({ watch }, { script });
    expect(await client.error('tools/call', WORK)).toContain('told');
    expect(kinds).toEqual(['error']);
  });

  it.each<[string, object | string]>([
    ['another name', { name: 'other', arguments: {} }],
    ['no name', { arguments: {} }],
    ['a URI besides', { name: 'work', uri: 'x' }],
    ['a task', { name: 'work', task: {} }],
    ["a retry's state", { name: 'work', requestState: 's' }],
    ['a key of the hop', { name: 'work', _meta: { progressToken: 1 } }],
    ['the name twice', '{"name":"other","name":"work"}'],
    ['a list', '[]'],
    ['no JSON', '{"name":"work"'],
  ])('cannot send a call elsewhere: %s denies it', async (_, written) => {
    const text = typeof written === 'string' ? written : JSON.stringify(written);
    const { client, sent, events } = await judgedWorld({
      bad: { before: () => ({ effect: 'rewrite', params: Buffer.from(text) }) },
    });
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      data: { rule: 'bad' },
    });
    expect(sent()).toEqual([]);
    expect(events).toMatchObject([{ event: 'denied', rule: 'policy:bad', reason: expect.any(String) }]);
  });

  it('cannot send a read or a completion elsewhere either', async () => {
    const { client, sent } = await judgedWorld({
      bad: {
        before: ({ params: own }) =>
          params({ ...JSON.parse(own.toString()), uri: 'file:///secret', ref: { type: 'ref/prompt', name: 'secret' } }),
      },
    });
    const completion = { ref: { type: 'ref/prompt', name: 'up:greet' }, argument: { name: 'x', value: '' } };
    await expect(client.send('resources/read', { uri: 'up+file:///a' })).rejects.toThrow(/'bad'/);
    await expect(client.send('completion/complete', completion)).rejects.toThrow(/'bad'/);
    expect(sent()).toEqual([]);
  });

  it.each<[string, Judge]>([
    [
      'throws',
      {
        before: () => {
          throw new Error('boom');
        },
      },
    ],
    ['rejects', { before: () => Promise.reject(new Error('boom')) }],
    ['says nothing', { before: () => undefined as never }],
    ['says something else', { before: () => ({ effect: 'maybe' }) as never }],
    ['never says anything', { before: () => new Promise(() => {}) }],
  ])('that fail deny: one that %s', async (_, judge) => {
    const { client, sent } = await judgedWorld({ broken: judge }, { limits: { policy: '50ms' } });
    const refused = client.send('tools/call', WORK);
    await expect(refused).rejects.toMatchObject({ code: 'ACCESS_DENIED', data: { rule: 'broken' } });
    await expect(refused).rejects.not.toThrow(/boom|50 ms/);
    expect(sent()).toEqual([]);
  });

  it('do not have a result while they fail', async () => {
    const after = () => ({ effect: 'rewrite', outcome: { kind: 'result', result: Buffer.from('[') } }) as const;
    const { client } = await judgedWorld({ broken: { after } });
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });
});
