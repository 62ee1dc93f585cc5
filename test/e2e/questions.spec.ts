import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dataOf, textOf } from '../support/client.js';
import { TARGETS, type Target, Targets } from '../support/targets.js';
import { Inbox, until } from '../support/wait.js';

const targets = new Targets();
beforeAll(() => targets.start());
afterEach(() => targets.endClients());
afterAll(() => targets.close());

describe.each(TARGETS)('questions to the client, %s', (label) => {
  let target: Target;
  beforeAll(() => {
    target = targets.get(label);
  });

  it('asks the user with a form, and says which server asks', async () => {
    const asked = new Inbox<Record<string, unknown>>();
    const peer = await target.connect({
      elicit: (params) => {
        asked.push(params);
        return { action: 'accept', content: { answer: 'forty-two' } };
      },
    });
    const result = await peer.call(target.name('ask'), { message: 'What is it?' });
    expect(dataOf(result)).toEqual({ action: 'accept', content: { answer: 'forty-two' } });
    expect(asked.items).toHaveLength(1);
    expect(asked.items[0]?.['message']).toContain('What is it?');
    if (target.prefix !== undefined) expect(asked.items[0]?.['message']).toContain(target.prefix);
    expect(asked.items[0]?.['requestedSchema']).toMatchObject({ properties: { answer: { title: 'Answer' } } });
  });

  it.each(['decline', 'cancel'] as const)('passes on that the user chose to %s', async (action) => {
    const peer = await target.connect({ elicit: () => ({ action }) });
    expect(dataOf(await peer.call(target.name('ask')))).toEqual({ action });
  });

  it('asks several sessions at the same time and gives each call its own answer', async () => {
    const peers = await Promise.all(
      ['a', 'b', 'c'].map((answer) => target.connect({ elicit: () => ({ action: 'accept', content: { answer } }) })),
    );
    const results = await Promise.all(peers.map((peer) => peer.call(target.name('ask'))));
    expect(results.map((result) => (dataOf(result)['content'] as { answer: string }).answer)).toEqual(['a', 'b', 'c']);
  });

  it('sends the user to a page and tells when the visit is over', async () => {
    const asked = new Inbox<Record<string, unknown>>();
    const peer = await target.connect({
      elicit: (params) => {
        asked.push(params);
        return { action: 'accept' };
      },
    });
    expect(dataOf(await peer.call(target.name('ask_url'), { elicitationId: 'visit-9' }))).toEqual({ action: 'accept' });
    expect(asked.items).toMatchObject([{ mode: 'url', url: 'https://example.com/sign-in', elicitationId: 'visit-9' }]);
    const done = await peer.notifications.first(
      'elicitation/complete',
      ({ method }) => method === 'notifications/elicitation/complete',
    );
    expect(done.params).toMatchObject({ elicitationId: 'visit-9' });
  });

  it('relays -32042 with the pages to visit', async () => {
    const peer = await target.connect({ elicit: () => ({ action: 'accept' }) });
    await expect(peer.call(target.name('needs_url'))).rejects.toMatchObject({
      code: -32042,
      data: { elicitations: [{ mode: 'url', url: 'https://example.com/c', elicitationId: 'visit-2' }] },
    });
  });

  it('asks the model of the client', async () => {
    const asked = new Inbox<Record<string, unknown>>();
    const peer = await target.connect({
      sample: (params) => {
        asked.push(params);
        return { role: 'assistant', model: 'm', stopReason: 'endTurn', content: { type: 'text', text: 'Hi' } };
      },
    });
    const result = dataOf(await peer.call(target.name('sample'), { prompt: 'Say hi' }));
    expect(result).toMatchObject({ role: 'assistant', model: 'm', content: { type: 'text', text: 'Hi' } });
    expect(asked.items).toMatchObject([
      { maxTokens: 50, temperature: 0.5, messages: [{ role: 'user', content: { text: 'Say hi' } }] },
    ]);
  });

  it('relays the refusal of the client as the error it is', async () => {
    const peer = await target.connect({
      sample: () => {
        throw Object.assign(new Error('not today'), { code: -1 });
      },
    });
    await expect(peer.call(target.name('sample'))).rejects.toThrow(/not today/);
  });

  it('asks for the roots of the client', async () => {
    const roots = [{ uri: 'file:///home/ada', name: 'Ada' }];
    const peer = await target.connect({ roots: () => roots });
    expect(dataOf(await peer.call(target.name('roots')))).toEqual({ roots });
  });

  it('tells the server that the roots changed', async () => {
    const peer = await target.connect({ roots: () => [] });
    const seen = async () => Number(dataOf(await peer.call(target.name('status')))['rootsChanged']);
    const before = await seen();
    await peer.call(target.name('roots'));
    await peer.client.sendRootsListChanged();
    await until('the server heard of it', async () => (await seen()) > before);
  });

  it('withdraws a question the server no longer asks', async () => {
    const withdrawn = new Inbox<true>();
    const peer = await target.connect({
      elicit: (_params, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            withdrawn.push(true);
            resolve({ action: 'cancel' });
          });
        }),
    });
    expect(textOf(await peer.call(target.name('ask_and_withdraw'), { ms: 300 }))).toBe('withdrawn');
    await withdrawn.first('the client was told');
  });

  it('declares to the server what the client declared, and no more', async () => {
    const silent = await target.connect();
    expect(dataOf(await silent.call(target.name('status')))['capabilities']).not.toHaveProperty('sampling');
    const able = await target.connect({ elicit: () => ({ action: 'cancel' }), roots: () => [] });
    const capabilities = dataOf(await able.call(target.name('status')))['capabilities'];
    expect(capabilities).toMatchObject({ elicitation: { form: {}, url: {} }, roots: {} });
    expect(capabilities).not.toHaveProperty('sampling');
  });

  it('refuses a question to a client that cannot answer it, and the call goes on', async () => {
    const peer = await target.connect();
    await expect(peer.call(target.name('sample'))).rejects.toThrow();
    expect(textOf(await peer.call(target.name('echo'), { message: 'still here' }))).toBe('still here');
  });
});
