import type { Progress } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dataOf, textOf } from '../support/client.js';
import { TARGETS, type Target, Targets } from '../support/targets.js';
import { until } from '../support/wait.js';

const targets = new Targets();
beforeAll(() => targets.start());
afterEach(() => targets.endClients());
afterAll(() => targets.close());

describe.each(TARGETS)('tools, %s', (label) => {
  let target: Target;
  beforeAll(() => {
    target = targets.get(label);
  });

  it('lists every page of the upstream, in its order', async () => {
    const peer = await target.connect();
    const names = (await peer.tools()).map((tool) => tool.name);
    const own = ['echo', 'ornate', 'inspect', 'fat', 'slow', 'status', 'progress', 'log', 'ask', 'ask_url'];
    const mine = names.filter((name) => target.prefix === undefined || name.startsWith(`${target.prefix}:`));
    expect(mine.slice(0, own.length)).toEqual(own.map((name) => target.name(name)));
    expect(new Set(names).size).toBe(names.length);
  });

  it('calls a tool', async () => {
    const peer = await target.connect();
    expect(textOf(await peer.call(target.name('echo'), { message: 'hällo 😀' }))).toBe('hällo 😀');
    expect(peer.errors).toEqual([]);
  });

  it('shows title, icons, annotations, output schema and _meta as the server wrote them', async () => {
    const peer = await target.connect();
    const tool = (await peer.tools()).find(({ name }) => name === target.name('ornate'));
    expect(tool).toMatchObject({
      title: 'Ornate tool',
      annotations: { title: 'Ornate', readOnlyHint: true, idempotentHint: true, openWorldHint: false },
      icons: [{ mimeType: 'image/png', sizes: ['48x48'] }],
      outputSchema: { type: 'object' },
      _meta: { 'example.com/owner': 'fixture' },
    });
  });

  it('hands arguments and end-to-end _meta to the tool, and keeps hop-by-hop keys to itself', async () => {
    const peer = await target.connect();
    const args = { text: 'a', nested: { list: [1, null, { deep: true }] } };
    const result = await peer.client.callTool({
      name: target.name('inspect'),
      arguments: args,
      _meta: { 'example.com/trace': 'kept', 'io.modelcontextprotocol/related-task': { taskId: 'x' } },
    });
    const seen = result.structuredContent as { arguments: object; meta: Record<string, unknown> };
    expect(seen.arguments).toEqual(args);
    expect(seen.meta['example.com/trace']).toBe('kept');
  });

  it('keeps calls that run at the same time apart', async () => {
    const peer = await target.connect();
    const words = Array.from({ length: 20 }, (_, index) => `word ${index}`);
    const answers = await Promise.all(words.map((message) => peer.call(target.name('echo'), { message })));
    expect(answers.map(textOf)).toEqual(words);
  });

  it('relays an error of the server with its code and data', async () => {
    const peer = await target.connect();
    await expect(peer.call(target.name('fail'))).rejects.toMatchObject({
      code: 4711,
      message: expect.stringContaining('custom failure'),
      data: { uri: target.uri('memo://notes/1') },
    });
  });

  it('answers -32602 for a tool nobody has', async () => {
    const peer = await target.connect();
    await expect(peer.call(target.name('nobody'))).rejects.toMatchObject({ code: -32602 });
  });

  it('delivers progress in order', async () => {
    const peer = await target.connect();
    const seen: Progress[] = [];
    const call = { name: target.name('progress'), arguments: { steps: 5 } };
    await peer.client.callTool(call, undefined, { onprogress: (progress) => seen.push(progress) });
    expect(seen.map(({ progress, total }) => [progress, total])).toEqual([1, 2, 3, 4, 5].map((n) => [n, 5]));
    expect(seen[0]?.message).toBe('step 1');
  });

  it('tells no progress to a client that did not ask for it', async () => {
    const peer = await target.connect();
    await peer.call(target.name('progress'));
    expect(peer.notifications.items).toEqual([]);
  });

  it('carries the cancellation of a call to the tool', async () => {
    const peer = await target.connect();
    const label = `cancel-${Math.random()}`;
    const gone = new AbortController();
    const call = { name: target.name('slow'), arguments: { label } };
    const answer = peer.client.callTool(call, undefined, { signal: gone.signal });
    answer.catch(() => undefined);
    const remembers = async (key: string) => {
      const status = dataOf(await peer.call(target.name('status')));
      return (status[key] as string[]).includes(label);
    };
    await until('the tool runs', () => remembers('running'));
    gone.abort('changed my mind');
    await expect(answer).rejects.toThrow();
    await until('the tool was cancelled', () => remembers('cancelled'));
  });

  it('answers ping', async () => {
    const peer = await target.connect();
    expect(await peer.client.ping()).toEqual({});
  });

  it('keeps the ping of a server away from nobody: the tool gets its pong', async () => {
    const peer = await target.connect();
    expect(dataOf(await peer.call(target.name('ping_client')))).toEqual({ pong: {} });
  });
});
