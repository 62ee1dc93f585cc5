import { describe, expect, it } from 'vitest';
import type { Answer, Outcome } from '#libs/kernel';
import { type AfterCall, type BeforeCall, CallPolicy, type PolicyCall } from '#libs/plugin';
import { type CorridorOptions, corridors, TestPolicy } from '../testing/corridor.js';
import { type Script, ScriptedUpstream } from '../testing/scripted-upstream.js';

const open = corridors();

interface Judge {
  readonly order?: number;
  before?(call: PolicyCall): BeforeCall | Promise<BeforeCall>;
  after?(call: PolicyCall, outcome: Outcome): AfterCall | Promise<AfterCall>;
}

class Scripted extends CallPolicy {
  override readonly order: number;

  constructor(private readonly judge: Judge) {
    super();
    this.order = judge.order ?? 0;
  }

  override before(call: PolicyCall) {
    return this.judge.before ? this.judge.before(call) : super.before(call);
  }

  override after(call: PolicyCall, outcome: Outcome) {
    return this.judge.after ? this.judge.after(call, outcome) : super.after(call, outcome);
  }
}

const RESULTS: Script = {
  'tools/call': ({ result }) => result('{"content":[{"type":"text","text":"plain"}]}'),
  'prompts/get': ({ result }) => result('{"messages":[]}'),
  'resources/read': ({ result }) => result('{"contents":[]}'),
  'completion/complete': ({ result }) => result('{"completion":{"values":["a"]}}'),
};

async function world(judges: Readonly<Record<string, Judge>>, more: CorridorOptions & { script?: Script } = {}) {
  const up = new ScriptedUpstream({ ...RESULTS, ...more.script });
  const policies = Object.fromEntries(Object.entries(judges).map(([name, judge]) => [name, new Scripted(judge)]));
  const corridor = await open({ up }, { ...more, policies });
  corridor.audit.enabled = true;
  const listed = up.seen.length;
  return {
    up,
    corridor,
    client: corridor.client({ capabilities: { elicitation: {} } }),
    events: corridor.audit.events,
    sent: () => up.seen.slice(listed).filter(({ method }) => method in RESULTS),
  };
}

const WORK = { name: 'up:work', arguments: { a: 1 } };
const allow = { effect: 'allow' } as const;
/** Allows, and does something besides. */
const allowing = (_: unknown) => allow;
const deny = { effect: 'deny', reason: 'because' } as const;
const params = (value: object): BeforeCall => ({ effect: 'rewrite', params: Buffer.from(JSON.stringify(value)) });
const result = (value: object) =>
  ({ effect: 'rewrite', outcome: { kind: 'result', result: Buffer.from(JSON.stringify(value)) } }) as const;
const yes = (): Answer => ({ kind: 'result', result: Buffer.from('{"action":"accept","content":{"ok":true}}') });

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
    const { client, sent } = await world({
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
    const { client } = await world({ b: note('b'), a: note('a'), first: note('first', -1), last: note('last', 1) });
    await client.send('tools/call', WORK);
    expect(seen).toEqual([
      ...['first before', 'a before', 'b before', 'last before'],
      ...['last after', 'b after', 'a after', 'first after'],
    ]);
  });

  it('deny before anything is sent; the client is told the name, the audit the reason', async () => {
    const { client, sent, events } = await world({ no: { before: () => deny } });
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

  it('withhold what came of a call, which the audit does not hide', async () => {
    const { client, sent, events } = await world({ no: { after: () => deny } });
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(sent()).toHaveLength(1);
    expect(events).toMatchObject([{ event: 'call', decision: 'deny', rule: 'policy:no', outcome: 'error' }]);
  });

  it('never hear of what permissions do not allow', async () => {
    let heard = 0;
    const { client } = await world(
      { watch: { before: () => allowing(heard++) } },
      { decide: new TestPolicy(() => 'hide') },
    );
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' });
    expect(heard).toBe(0);
  });

  it('take their time, in which a permission that goes is gone', async () => {
    const decide = new TestPolicy();
    const { client, sent } = await world(
      { slow: { before: async () => allowing(decide.set(() => 'hide')) } },
      { decide },
    );
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' });
    expect(sent()).toEqual([]);
  });

  it('rewrite params one after the other, and what the client gets', async () => {
    const { client, sent } = await world({
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
    const { client } = await world({ watch }, { script });
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
    const { client, sent, events } = await world({
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
    const { client, sent } = await world({
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
    const { client, sent } = await world({ broken: judge }, { limits: { policy: '50ms' } });
    const refused = client.send('tools/call', WORK);
    await expect(refused).rejects.toMatchObject({ code: 'ACCESS_DENIED', data: { rule: 'broken' } });
    await expect(refused).rejects.not.toThrow(/boom|50 ms/);
    expect(sent()).toEqual([]);
  });

  it('do not have a result while they fail', async () => {
    const after = () => ({ effect: 'rewrite', outcome: { kind: 'result', result: Buffer.from('[') } }) as const;
    const { client } = await world({ broken: { after } });
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });
});

describe('call policies that ask', () => {
  const asks = (decide: (answer: unknown) => BeforeCall): Judge => ({
    before: () => ({ effect: 'ask', question: { message: 'Sure?' }, decide: decide as never }),
  });

  it('have the client asked, by name, and decide by its answer', async () => {
    const answers: unknown[] = [];
    const { client, sent } = await world({ confirm: asks((answer) => allowing(answers.push(answer))) });
    client.reply = yes;
    await client.send('tools/call', WORK);
    expect(client.asked).toMatchObject([{ method: 'elicitation/create', server: 'up' }]);
    expect(JSON.parse(client.asked[0]?.params ?? '')).toMatchObject({
      message: '[gateway: confirm] Sure?',
      requestedSchema: { type: 'object', properties: {} },
    });
    expect(answers).toEqual([{ action: 'accept', content: { ok: true } }]);
    expect(sent()).toHaveLength(1);
  });

  it('may ask about an outcome', async () => {
    const { client } = await world({
      share: {
        after: () => ({
          effect: 'ask',
          question: { message: 'Share it?' },
          decide: ({ action }) => (action === 'accept' ? result({ content: [] }) : deny),
        }),
      },
    });
    client.reply = yes;
    expect(await client.result('tools/call', WORK)).toBe('{"content":[]}');
    client.reply = () => ({ kind: 'result', result: Buffer.from('{"action":"decline"}') });
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  it.each<[string, () => Answer]>([
    ['an error', () => ({ kind: 'error', code: -1, error: Buffer.from('{"code":-1,"message":"no"}') })],
    [
      'no answer at all',
      () => {
        throw new Error('gone');
      },
    ],
    ['what is no answer', () => ({ kind: 'result', result: Buffer.from('{"action":"perhaps"}') })],
    ['content that is no object', () => ({ kind: 'result', result: Buffer.from('{"action":"accept","content":[1]}') })],
  ])('deny without asking the policy again: %s', async (_, reply) => {
    const { client, sent } = await world({ confirm: asks(() => allow) });
    client.reply = reply;
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(sent()).toEqual([]);
  });

  it.each([{}, { elicitation: { url: {} } }])('deny for a client that cannot be asked: %j', async (capabilities) => {
    const { corridor, sent, events } = await world({ confirm: asks(() => allow) });
    const client = corridor.client({ capabilities });
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(client.asked).toEqual([]);
    expect(sent()).toEqual([]);
    expect(events).toMatchObject([{ reason: expect.stringContaining('did not declare elicitation') }]);
  });

  it('may not ask twice', async () => {
    const again = (): BeforeCall => ({ effect: 'ask', question: { message: 'Really?' }, decide: () => allow });
    const { client } = await world({ confirm: asks(again) });
    client.reply = yes;
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(client.asked).toHaveLength(1);
  });

  it('are not said to deny when the call is over', async () => {
    const { client } = await world({ confirm: asks(() => allow) });
    const exchange = client.exchange();
    client.reply = () => new Promise(() => {});
    exchange.ask = () => {
      exchange.abort();
      return { answer: Promise.reject(new Error('over')), withdraw() {} };
    };
    await expect(client.send('tools/call', WORK, exchange)).rejects.toThrow('over');
  });
});

describe('a waiting call that a retry would take up', () => {
  const asking: BeforeCall = { effect: 'ask', question: { message: 'Sure?' }, decide: () => allow };

  async function waiting(judges: Readonly<Record<string, Judge>>) {
    const all = await world(judges);
    const { client, corridor } = all;
    const exchange = client.exchange();
    client.reply = () => new Promise(() => {});
    all.client.send('tools/call', WORK, exchange).catch(() => {});
    await expect.poll(() => client.asked.length).toBe(1);
    const retry = async (request: object = WORK) => {
      const { target, judging } = corridor.proxy.readmit(
        client.exchange(),
        client.message('tools/call', request),
        exchange,
      );
      await judging;
      return target;
    };
    return { ...all, retry };
  }

  it('goes on when the policy that waits for the answer would ask, and so may one whose turn is to come', async () => {
    const { retry, events } = await waiting({ a: { before: () => asking }, b: { before: () => asking } });
    expect(await retry()).toBe('up:work');
    expect(events).toEqual([]);
  });

  it('is denied when a policy denies now, and the audit has it', async () => {
    const { retry, events } = await waiting({
      a: { before: ({ resumed }) => (resumed ? deny : allow) },
      b: { before: () => asking },
    });
    await expect(retry()).rejects.toMatchObject({ code: 'ACCESS_DENIED', data: { rule: 'a' } });
    expect(events).toMatchObject([{ event: 'denied', decision: 'deny', rule: 'policy:a', object: 'work' }]);
  });

  it('is denied when a policy that let it pass wants to ask now', async () => {
    const { retry } = await waiting({
      a: { before: ({ resumed }) => (resumed ? asking : allow) },
      b: { before: () => asking },
    });
    await expect(retry()).rejects.toMatchObject({ code: 'ACCESS_DENIED', data: { rule: 'a' } });
  });

  it('is nothing to somebody who may not use it any more, and the audit has it', async () => {
    const { retry, events } = await waiting({ a: { before: () => asking } });
    await expect(retry({ name: 'up:nothing' })).rejects.toMatchObject({ code: 'UNKNOWN_TOOL' });
    expect(events).toMatchObject([{ event: 'denied', decision: 'hide', object: 'up:nothing' }]);
  });
});
