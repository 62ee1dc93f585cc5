import { describe, expect, it } from 'vitest';
import type { ObjectRef } from '#libs/kernel';
import type { Decision } from '#libs/plugin';
import { corridors, TestPolicy } from '../testing/corridor.js';
import { RESULTS, ScriptedUpstream } from '../testing/scripted-upstream.js';

const open = corridors();

const argument = { name: 'x', value: '' };
const completion = (name: string) => ({ ref: { type: 'ref/prompt', name }, argument });

/** A method, params about a thing that is there, and about one that is not. */
const USES = [
  ['tools/call', { name: 'up:work' }, { name: 'up:wurk' }],
  ['prompts/get', { name: 'up:greet' }, { name: 'up:graat' }],
  ['resources/read', { uri: 'up+file:///a' }, { uri: 'up+file:///b' }],
  ['resources/subscribe', { uri: 'up+file:///a' }, { uri: 'up+file:///b' }],
  ['resources/unsubscribe', { uri: 'up+file:///a' }, { uri: 'up+file:///b' }],
  ['completion/complete', completion('up:greet'), completion('up:graat')],
] as const;

const isThere = ({ name }: ObjectRef) => !['wurk', 'graat', 'file:///b'].includes(name);

async function world(effect: Decision['effect']) {
  const policy = new TestPolicy((ref) => (isThere(ref) ? effect : 'hide'));
  const up = new ScriptedUpstream(RESULTS);
  const corridor = await open({ up }, { decide: policy });
  const listed = up.seen.length;
  const reached = () => up.seen.slice(listed).map(({ method }) => method);
  return { policy, up, client: corridor.client(), proxy: corridor.proxy, reached };
}

/** What came of a request, with the one name in it that differs made the same. */
async function answerOf(answer: Promise<unknown>): Promise<string> {
  const told = await answer.catch((thrown: unknown) => thrown);
  const { message, code, data } = told as { message?: string; code?: string; data?: unknown };
  const text = JSON.stringify([message, code, data, told]);
  return text.replaceAll('work', 'wurk').replaceAll('greet', 'graat').replaceAll('file:///a', 'file:///b');
}

describe.each(USES)('%s', (method, known, unknown) => {
  // An upstream is told of it only when somebody was subscribed.
  const isSent = method !== 'resources/unsubscribe';

  it.runIf(isSent)('reaches the upstream when it is allowed', async () => {
    const { client, reached } = await world('allow');
    expect(await client.send(method, known)).toMatchObject({ kind: 'result' });
    expect(reached()).toEqual([method]);
  });

  it('is answered as if there were no such thing when it is hidden', async () => {
    const { client, reached } = await world('hide');
    expect(await answerOf(client.send(method, known))).toBe(await answerOf(client.send(method, unknown)));
    expect(reached()).toEqual([]);
  });

  it('says which scopes to ask for when they are what is missing', async () => {
    const { client, reached } = await world('challenge');
    await expect(client.send(method, known)).rejects.toMatchObject({
      code: 'INSUFFICIENT_SCOPE',
      data: { scopes: ['more'] },
    });
    expect(reached()).toEqual([]);
  });

  it.runIf(isSent)('hands nothing over that was revoked while the upstream was at work', async () => {
    const { client, up, policy } = await world('allow');
    up.script = {
      ...RESULTS,
      [method]: (seen) => {
        policy.set(() => 'hide');
        (RESULTS[method] ?? (({ result }) => result('{}')))(seen);
      },
    };
    const answer = await answerOf(client.send(method, known));
    expect(answer).toBe(await answerOf(client.send(method, unknown)));
  });
});

it('names what a parked call goes on with only while it is allowed', async () => {
  const { policy, proxy, client } = await world('allow');
  const request = { method: 'tools/call', params: { name: 'up:work' } };
  const target = () => proxy.target(client.exchange(), client.message(request.method, request.params));
  expect(target()).toBe('up:work');
  policy.set(() => 'challenge');
  expect(target).toThrow(expect.objectContaining({ code: 'INSUFFICIENT_SCOPE' }));
  policy.set(() => 'hide');
  expect(target).toThrow(expect.objectContaining({ code: 'UNKNOWN_TOOL' }));
  policy.set(() => {
    throw new Error('undecided');
  });
  expect(target).toThrow(expect.objectContaining({ code: 'UNKNOWN_TOOL' }));
});

it('asks a policy once about a call, and again only when it is another one by the time of the result', async () => {
  const { policy, up, client } = await world('allow');
  const asked: string[] = [];
  const effects = (effect: Decision['effect']) => (ref: ObjectRef) => {
    asked.push(ref.name);
    return effect;
  };
  policy.set(effects('allow'));
  await client.send('tools/call', { name: 'up:work' });
  const times = () => asked.filter((name) => name === 'work').length;
  // A view is made of the new policy first, which asks about everything there is.
  expect(times()).toBe(2);
  up.script = {
    ...RESULTS,
    'tools/call': (seen) => {
      policy.set(effects('allow'));
      RESULTS['tools/call']?.(seen);
    },
  };
  await client.send('tools/call', { name: 'up:work' });
  expect(times()).toBe(4);
});
