import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import type { Exchange } from '#libs/kernel';
import { result } from './testing/fake-proxy.js';
import { TestGateway } from './testing/gateway.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start() {
  const gateway = await TestGateway.start();
  closing.push(() => gateway.close());
  gateway.proxy.handlers.set('tools/list', () => result({ tools: [{ name: 'a:b', inputSchema: { type: 'object' } }] }));
  return gateway;
}

async function connect(gateway: TestGateway, capabilities: object = {}) {
  const client = new Client({ name: 'sdk', version: '1' }, { capabilities });
  const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`));
  await client.connect(transport);
  closing.push(() => client.close());
  return { client, transport };
}

describe('the official SDK client', () => {
  it('connects, lists, calls, pings and says goodbye', async () => {
    const gateway = await start();
    gateway.proxy.handlers.set('tools/call', (_exchange, request) =>
      result({ content: [{ type: 'text', text: request.params?.at('arguments', 'q')?.string() }] }),
    );
    const { client, transport } = await connect(gateway);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['a:b']);
    const answer = await client.callTool({ name: 'a:b', arguments: { q: 'hello' } });
    expect(answer.content).toEqual([{ type: 'text', text: 'hello' }]);
    await client.ping();
    await expect.poll(() => gateway.stats.streams).toBe(1);
    await transport.terminateSession();
    expect(gateway.stats).toMatchObject({ sessions: 0, running: 0 });
    await expect.poll(() => gateway.stats.streams).toBe(0);
  });

  it('gets progress, answers questions, and hears of changes', async () => {
    const gateway = await start();
    gateway.proxy.handlers.set('tools/call', async (exchange, request) => {
      const token = request.params?.at('_meta', 'progressToken')?.raw().toString();
      exchange.notify({
        method: 'notifications/progress',
        params: Buffer.from(`{"progressToken":${token},"progress":1,"total":2}`),
      });
      const params = Buffer.from('{"message":"Who?","requestedSchema":{"type":"object","properties":{}}}');
      const [elicited, roots] = await Promise.all([
        exchange.ask({ method: 'elicitation/create', params, server: 's' }).answer,
        exchange.ask({ method: 'roots/list', server: 's' }).answer,
      ]);
      const text = [elicited, roots].map((it) => (it.kind === 'result' ? it.result.toString() : 'error')).join(' ');
      return result({ content: [{ type: 'text', text }] });
    });
    const { client } = await connect(gateway, { elicitation: {}, roots: {} });
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ann' } }));
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///home' }] }));
    let changes = 0;
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changes++);
    const progress: number[] = [];
    const answer = await client.callTool({ name: 'a:b' }, undefined, {
      onprogress: (update) => progress.push(update.progress),
    });
    expect(progress).toEqual([1]);
    expect(JSON.stringify(answer.content)).toContain('Ann');
    expect(JSON.stringify(answer.content)).toContain('file:///home');
    await expect.poll(() => gateway.proxy.subscribers.size).toBe(1);
    for (const channel of gateway.proxy.subscribers.values())
      channel.deliver({ method: 'notifications/tools/list_changed' });
    await expect.poll(() => changes).toBe(1);
  });

  it('cancels a call', async () => {
    const gateway = await start();
    let exchange: Exchange | undefined;
    gateway.proxy.handlers.set('tools/call', (it) => {
      exchange = it;
      return new Promise((_resolve, reject) => void it.onAbort(reject));
    });
    const { client } = await connect(gateway);
    const controller = new AbortController();
    const pending = client.callTool({ name: 'a:b' }, undefined, { signal: controller.signal });
    await expect.poll(() => exchange).toBeTruthy();
    controller.abort('enough');
    await expect(pending).rejects.toThrow();
    await expect.poll(() => exchange?.aborted).toBe(true);
    expect((await client.listTools()).tools).toHaveLength(1);
  });

  it('runs many calls at once in many sessions, each with its own answers', async () => {
    const gateway = await start();
    gateway.proxy.handlers.set('tools/call', async (exchange, request) => {
      const token = request.params?.at('_meta', 'progressToken')?.raw().toString();
      const who = request.params?.at('arguments', 'who')?.string();
      exchange.notify({
        method: 'notifications/progress',
        params: Buffer.from(JSON.stringify({ progressToken: Number(token), progress: 1, message: who })),
      });
      await new Promise(setImmediate);
      return result({ content: [{ type: 'text', text: who }] });
    });
    const clients = await Promise.all(Array.from({ length: 8 }, () => connect(gateway)));
    await Promise.all(
      clients.flatMap(({ client }, session) =>
        Array.from({ length: 16 }, async (_, call) => {
          const who = `${session}/${call}`;
          const heard: (string | undefined)[] = [];
          const answer = await client.callTool({ name: 'a:b', arguments: { who } }, undefined, {
            onprogress: ({ message }) => heard.push(message),
          });
          expect(answer.content).toEqual([{ type: 'text', text: who }]);
          expect(heard).toEqual([who]);
        }),
      ),
    );
    expect(gateway.stats.running).toBe(0);
  });
});
