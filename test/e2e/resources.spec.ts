import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TARGETS, type Target, Targets } from '../support/targets.js';

const targets = new Targets();
beforeAll(() => targets.start());
afterEach(() => targets.endClients());
afterAll(() => targets.close());

describe.each(TARGETS)('resources, prompts and completion, %s', (label) => {
  let target: Target;
  beforeAll(() => {
    target = targets.get(label);
  });

  const mine = (name: string) => target.prefix === undefined || name.startsWith(`${target.prefix}:`);

  it('lists every page of resources', async () => {
    const peer = await target.connect();
    const uris = (await peer.resources()).map(({ uri }) => uri);
    const own = ['memo://notes/1', 'memo://notes/2', 'file:///srv/rich.txt', 'ui://app/main', 'memo://binary'];
    expect(uris).toEqual(expect.arrayContaining(own.map((uri) => target.uri(uri))));
    expect(new Set(uris).size).toBe(uris.length);
  });

  it('shows title, icons, annotations, size and _meta of a resource', async () => {
    const peer = await target.connect();
    const note = (await peer.resources()).find(({ uri }) => uri === target.uri('memo://notes/1'));
    expect(note).toMatchObject({
      name: 'note-1',
      title: 'Note 1',
      annotations: { audience: ['user'], priority: 0.5, lastModified: '2026-01-01T00:00:00Z' },
      icons: [{ sizes: ['48x48'] }],
      _meta: { 'example.com/rank': expect.any(Number) },
    });
  });

  it.each(['memo://notes/1', 'file:///srv/rich.txt', 'ui://app/main'])('reads %s', async (own) => {
    const peer = await target.connect();
    const { contents } = await peer.client.readResource({ uri: target.uri(own) });
    expect(contents).toMatchObject([{ uri: target.uri(own), text: `content of ${own}` }]);
  });

  it('reads binary content', async () => {
    const peer = await target.connect();
    const { contents } = await peer.client.readResource({ uri: target.uri('memo://binary') });
    const [content] = contents;
    const bytes = Buffer.from(content && 'blob' in content ? content.blob : '', 'base64');
    expect([...bytes.subarray(0, 3), bytes.length]).toEqual([0, 1, 2, 256]);
  });

  it('lists templates that still expand, and reads what they expand to', async () => {
    const peer = await target.connect();
    const templates = (await peer.templates()).map(({ uriTemplate }) => uriTemplate);
    const own = ['memo://notes/{id}', 'memo://large/{bytes}', 'memo://search{?q,limit}'];
    expect(templates).toEqual(expect.arrayContaining(own.map((template) => target.uri(template))));
    const uri = target.uri('memo://notes/{id}').replace('{id}', '77');
    const { contents } = await peer.client.readResource({ uri });
    expect(contents).toMatchObject([{ uri, text: 'content of memo://notes/77' }]);
  });

  it('answers -32002 with the URI the client sent for a resource nobody has', async () => {
    const peer = await target.connect();
    const uri = target.uri('memo://nowhere');
    await expect(peer.client.readResource({ uri })).rejects.toMatchObject({ code: -32002, data: { uri } });
  });

  it('tells a subscriber of updates until it unsubscribes', async () => {
    const peer = await target.connect();
    const other = await target.connect();
    const [uri, marker] = [target.uri('memo://notes/1'), target.uri('memo://notes/2')];
    const updated = (wanted: string) => (seen: { method: string; params?: Record<string, unknown> }) =>
      seen.method === 'notifications/resources/updated' && seen.params?.['uri'] === wanted;
    await peer.client.subscribeResource({ uri });
    await peer.client.subscribeResource({ uri: marker });
    const touch = (own: string) => peer.call(target.name('touch'), { uri: own });

    await touch('memo://notes/1');
    const first = await peer.notifications.first('an update', updated(uri));
    expect(first.params).toMatchObject({ uri, _meta: { 'fixture/cause': 'touch' } });

    await peer.client.unsubscribeResource({ uri });
    await touch('memo://notes/1');
    await touch('memo://notes/2');
    await peer.notifications.first('the later update', updated(marker));
    expect(peer.notifications.count(updated(uri))).toBe(1);
    expect(other.notifications.count(updated(uri))).toBe(0);
  });

  it('lists every page of prompts, with arguments', async () => {
    const peer = await target.connect();
    const prompts = (await peer.prompts()).filter(({ name }) => mine(name));
    expect(prompts.map(({ name }) => name)).toEqual(['greet', 'pack', 'plain'].map((name) => target.name(name)));
    expect(prompts[0]).toMatchObject({
      title: 'Greet',
      icons: [{ mimeType: 'image/png' }],
      arguments: [{ name: 'who', required: true, description: 'Whom to greet' }],
    });
  });

  it('gets a prompt with arguments, and one with resources in it', async () => {
    const peer = await target.connect();
    const greeting = await peer.client.getPrompt({ name: target.name('greet'), arguments: { who: 'Ada' } });
    expect(greeting.messages).toMatchObject([{ role: 'user', content: { type: 'text', text: 'Hello Ada' } }]);
  });

  it('answers -32602 for a prompt nobody has', async () => {
    const peer = await target.connect();
    const name = target.name('nobody');
    await expect(peer.client.getPrompt({ name })).rejects.toMatchObject({ code: -32602 });
  });

  it('completes arguments of prompts and variables of templates, with context', async () => {
    const peer = await target.connect();
    const prompt = await peer.client.complete({
      ref: { type: 'ref/prompt', name: target.name('greet') },
      argument: { name: 'who', value: 'A' },
    });
    expect(prompt.completion.values).toEqual(['A-one', 'A-two', 'ref/prompt:greet']);
    const template = await peer.client.complete({
      ref: { type: 'ref/resource', uri: target.uri('memo://notes/{id}') },
      argument: { name: 'id', value: '7' },
      context: { arguments: { folder: 'x' } },
    });
    expect(template.completion.values).toEqual(['7-one', '7-two', 'ref/resource:memo://notes/{id}', '{"folder":"x"}']);
    expect(template.completion.hasMore).toBe(true);
  });
});
