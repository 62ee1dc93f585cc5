import { describe, expect, it } from 'vitest';
import type { Answer } from '#libs/kernel';
import type { BeforeCall } from '#libs/plugin';
import { allow, allowing, deny, type Judge, judgedWorld, result, WORK, yes } from '../testing/judges.js';

describe('call policies that ask', () => {
  const asks = (decide: (answer: unknown) => BeforeCall): Judge => ({
    before: () => ({ effect: 'ask', question: { message: 'Sure?' }, decide: decide as never }),
  });

  it('have the client asked, by name, and decide by its answer', async () => {
    const answers: unknown[] = [];
    const { client, sent } = await judgedWorld({ confirm: asks((answer) => allowing(answers.push(answer))) });
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
    const { client } = await judgedWorld({
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
    const { client, sent } = await judgedWorld({ confirm: asks(() => allow) });
    client.reply = reply;
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(sent()).toEqual([]);
  });

  it.each([{}, { elicitation: { url: {} } }])('deny for a client that cannot be asked: %j', async (capabilities) => {
    const { corridor, sent, events } = await judgedWorld({ confirm: asks(() => allow) });
    const client = corridor.client({ capabilities });
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(client.asked).toEqual([]);
    expect(sent()).toEqual([]);
    expect(events).toMatchObject([{ reason: expect.stringContaining('did not declare elicitation') }]);
  });

  it('may not ask twice', async () => {
    const again = (): BeforeCall => ({ effect: 'ask', question: { message: 'Really?' }, decide: () => allow });
    const { client } = await judgedWorld({ confirm: asks(again) });
    client.reply = yes;
    await expect(client.send('tools/call', WORK)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(client.asked).toHaveLength(1);
  });

  it('are not said to deny when the call is over', async () => {
    const { client } = await judgedWorld({ confirm: asks(() => allow) });
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
    const all = await judgedWorld(judges);
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
