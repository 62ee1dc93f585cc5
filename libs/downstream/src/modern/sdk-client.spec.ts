import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, describe, expect, it } from 'vitest';
import type { Exchange } from '#libs/kernel';
import { result } from '../testing/fake-proxy.js';
import { TestGateway } from '../testing/gateway.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const TOOL = {
  name: 'a:b',
  inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
};

async function start() {
  const gateway = await TestGateway.start();
  closing.push(() => gateway.close());
  gateway.proxy.handlers.set('tools/list', () => result({ tools: [TOOL] }));
  return gateway;
}

async function connect(gateway: TestGateway, capabilities: object = {}, prepare: (client: Client) => void = () => {}) {
  const client = new Client({ name: 'sdk', version: '2' }, { capabilities, versionNegotiation: { mode: 'auto' } });
  prepare(client);
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`)));
  closing.push(() => client.close());
  return client;
}

describe('the official SDK client of 2026-07-28', () => {
  it('connects, lists and calls, with the headers a tool declares', async () => {
    const gateway = await start();
    gateway.proxy.declared.set('region', { name: 'Region', path: ['region'], type: 'string' });
    const seen: Exchange[] = [];
    gateway.proxy.handlers.set('tools/call', (exchange, request) => {
      seen.push(exchange);
      return result({ content: [{ type: 'text', text: request.params?.at('arguments', 'region')?.string() }] });
    });
    const client = await connect(gateway);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['a:b']);
    const answer = await client.callTool({ name: 'a:b', arguments: { region: ' größe ' } });
    expect(answer.content).toEqual([{ type: 'text', text: ' größe ' }]);
    expect(seen[0]?.client).toMatchObject({ era: 'modern', version: '2026-07-28', name: 'sdk' });
    expect(gateway.stats).toMatchObject({ sessions: 0, running: 0 });
  });

  it('answers questions of a call by itself, over several rounds, and hears progress', async () => {
    const gateway = await start();
    gateway.proxy.handlers.set('tools/call', async (exchange, request) => {
      const token = request.params?.at('_meta', 'progressToken')?.raw().toString();
      exchange.notify({
        method: 'notifications/progress',
        params: Buffer.from(`{"progressToken":${token},"progress":1,"message":"half"}`),
      });
      const params = Buffer.from('{"message":"Who?","requestedSchema":{"type":"object","properties":{}}}');
      const elicited = await exchange.ask({ method: 'elicitation/create', params, server: 's' }).answer;
      const roots = await exchange.ask({ method: 'roots/list', server: 's' }).answer;
      const text = [elicited, roots].map((it) => (it.kind === 'result' ? it.result.toString() : 'error')).join(' ');
      return result({ content: [{ type: 'text', text }] });
    });
    const client = await connect(gateway, { elicitation: { form: {} }, roots: {} }, (it) => {
      it.setRequestHandler('elicitation/create', () => ({ action: 'accept' as const, content: { name: 'Ann' } }));
      it.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///home' }] }));
    });
    const progress: number[] = [];
    const answer = await client.callTool(
      { name: 'a:b', arguments: {} },
      // The client reports rounds as progress of its own.
      { onprogress: (update) => void (update.message === 'half' && progress.push(update.progress)) },
    );
    expect(progress).toEqual([1]);
    expect(JSON.stringify(answer.content)).toContain('Ann');
    expect(JSON.stringify(answer.content)).toContain('file:///home');
    expect(gateway.stats.parked).toBe(0);
  });

  it('cancels a call by going away', async () => {
    const gateway = await start();
    let exchange: Exchange | undefined;
    gateway.proxy.handlers.set('tools/call', (it) => {
      exchange = it;
      return new Promise((_resolve, reject) => void it.onAbort(reject));
    });
    const client = await connect(gateway);
    const controller = new AbortController();
    const pending = client.callTool({ name: 'a:b', arguments: {} }, { signal: controller.signal });
    await expect.poll(() => exchange).toBeTruthy();
    controller.abort('enough');
    await expect(pending).rejects.toThrow();
    await expect.poll(() => exchange?.aborted).toBe(true);
  });

  it('hears of changes', async () => {
    const gateway = await start();
    const changed: string[] = [];
    const client = await connect(gateway, {}, (it) => {
      it.setNotificationHandler('notifications/tools/list_changed', () => void changed.push('tools'));
    });
    const subscription = await client.listen({ toolsListChanged: true });
    await expect.poll(() => gateway.proxy.listeners.size).toBe(1);
    for (const listener of gateway.proxy.listeners) listener.deliver({ method: 'notifications/tools/list_changed' });
    await expect.poll(() => changed).toEqual(['tools']);
    await subscription.close();
    await expect.poll(() => gateway.proxy.listeners.size).toBe(0);
  });
});
