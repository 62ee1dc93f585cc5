import 'reflect-metadata';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { configFrom, LiveConfig } from '#libs/config';
import { createGateway, type Gateway } from './create-app.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(settings: Record<string, unknown> = {}): Promise<Gateway> {
  const servers = [{ name: 'demo', type: 'in-process' }];
  const live = new LiveConfig(configFrom({ server: { port: 0 }, proxy: { servers }, ...settings }));
  const gateway = await createGateway({ live });
  closing.push(() => gateway.close({ timeout: 1_000 }));
  await expect.poll(() => gateway.upstreams()[0]?.state, { timeout: 10_000 }).toBe('ready');
  return gateway;
}

async function connect(gateway: Gateway, prepare: (client: Client) => void = () => {}, path = '/mcp'): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { capabilities: { elicitation: {} } });
  prepare(client);
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url + path)));
  closing.push(() => client.close());
  return client;
}

async function get(url: string, headers: Record<string, string> = {}) {
  const response = await request(url, { headers });
  return { status: response.statusCode, headers: response.headers, body: await response.body.text() };
}

describe('createGateway', () => {
  it('serves the demo: results, progress, questions, errors, resources and prompts', async () => {
    const gateway = await start();
    const client = await connect(gateway, (it) => {
      it.setRequestHandler(ElicitRequestSchema, () => ({
        action: 'accept',
        content: { name: 'Ada', colour: 'green' },
      }));
    });
    const call = (name: string, args: Record<string, unknown> = {}, onprogress?: (p: { progress: number }) => void) =>
      client.callTool({ name, arguments: args }, CallToolResultSchema, onprogress ? { onprogress } : {});
    expect(await call('demo:echo', { message: 'hello' })).toMatchObject({ content: [{ text: 'hello' }] });
    expect(await call('demo:add', { a: 2, b: 3 })).toMatchObject({ structuredContent: { sum: 5 } });
    const seen: number[] = [];
    await call('demo:slow', { seconds: 0.1, steps: 3 }, ({ progress }) => seen.push(progress));
    expect(seen).toEqual([1, 2, 3]);
    expect(await call('demo:ask')).toMatchObject({ content: [{ text: 'Hello Ada, who likes green!' }] });
    expect(await call('demo:fail')).toMatchObject({ isError: true });
    const { resources } = await client.listResources();
    expect((await client.readResource({ uri: resources[0]?.uri ?? '' })).contents[0]).toMatchObject({
      text: expect.stringContaining('built-in demo'),
    });
    expect((await client.getPrompt({ name: 'demo:introduce', arguments: { name: 'Ada' } })).messages).toHaveLength(1);
  });

  it('cancels the slow tool when the client does', async () => {
    const client = await connect(await start());
    const abort = new AbortController();
    const call = client.callTool({ name: 'demo:slow', arguments: { seconds: 600, steps: 100 } }, CallToolResultSchema, {
      signal: abort.signal,
    });
    abort.abort('enough');
    await expect(call).rejects.toThrow(/enough/);
    expect(await client.callTool({ name: 'demo:echo', arguments: { message: 'still here' } })).toMatchObject({
      content: [{ text: 'still here' }],
    });
  });

  it('answers health checks and metrics over HTTP', async () => {
    const gateway = await start();
    expect(await get(`${gateway.url}/live`)).toMatchObject({ status: 200, body: '{"status":"ok"}' });
    expect(await get(`${gateway.url}/ready`)).toMatchObject({ status: 200, body: '{"status":"ok"}' });
    const client = await connect(gateway);
    await client.listTools();
    await client.callTool({ name: 'demo:echo', arguments: { message: 'x' } });
    const { body } = await get(`${gateway.url}/metrics`);
    expect(body).toContain('mcp_gateway_tools_called{tool="echo",proxy="demo"} 1\n');
    expect(body).toContain('mcp_gateway_tools_call_success{tool="echo",proxy="demo"} 1\n');
    expect(body).toContain('mcp_gateway_list_tools{proxy="all"} 1\n');
    expect(body).toContain('mcp_gateway_upstream_state{proxy="demo",state="ready"} 1\n');
    expect(body).toMatch(/^mcp_gateway_sessions 1$/m);
  });

  it('counts calls of tools that are in no list as other, whatever they are called', async () => {
    const gateway = await start();
    const client = await connect(gateway);
    await expect(client.callTool({ name: 'demo:wrong', arguments: {} })).rejects.toThrow('Unknown tool: demo:wrong');
    await expect(client.callTool({ name: 'x"} 1', arguments: {} })).rejects.toThrow('Unknown tool');
    const { body } = await get(`${gateway.url}/metrics`);
    expect(body).toContain('mcp_gateway_tools_called{tool="other",proxy="all"} 2\n');
    expect(body).toContain('mcp_gateway_tools_call_errors{tool="other",proxy="all"} 2\n');
    expect(body).not.toContain('wrong');
  });

  it('says why an upstream is down when something is asked of it that nobody could list', async () => {
    const down = { name: 'down', type: 'streamable-http', connection: { url: 'http://127.0.0.1:1/mcp' } };
    const gateway = await start({ proxy: { servers: [{ name: 'demo', type: 'in-process' }, down] } });
    await expect.poll(() => gateway.upstreams()[1]?.state).toBe('unreachable');
    const cause = /down is temporarily unavailable: .*refused the connection.* The gateway tries again in \d+ s/;
    const whole = await connect(gateway);
    await expect(whole.callTool({ name: 'down:anything', arguments: {} })).rejects.toThrow(cause);
    await expect(whole.getPrompt({ name: 'down:anything' })).rejects.toThrow(cause);
    await expect(whole.readResource({ uri: 'down+file:///a' })).rejects.toThrow(cause);
    const alone = await connect(gateway, () => {}, '/mcp/down');
    await expect(alone.callTool({ name: 'anything', arguments: {} })).rejects.toThrow(cause);
    expect((await get(`${gateway.url}/metrics`)).body).toContain(
      'mcp_gateway_tools_call_errors{tool="other",proxy="down"} 2\n',
    );
  });

  it('has the deadlines that cut slow and idle connections on the server that listens', async () => {
    const { app } = await start();
    expect(app.getHttpServer()).toMatchObject({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 5_000,
      keepAliveTimeoutBuffer: 67_000,
      connectionsCheckingInterval: 1_000,
      maxRequestsPerSocket: 1_000,
    });
  });

  it('returns a sane X-Request-Id on every route and mints one otherwise', async () => {
    const { url } = await start();
    for (const path of ['/live', '/ready', '/metrics', '/mcp', '/nothing-here']) {
      expect((await get(url + path, { 'x-request-id': 'my-request-1' })).headers['x-request-id']).toBe('my-request-1');
      expect((await get(url + path, { 'x-request-id': '<script>' })).headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
    }
  });

  it('runs twice in one process without sharing anything', async () => {
    const [first, second] = [await start(), await start({ metrics: { path: '/m' } })];
    const client = await connect(first);
    await client.callTool({ name: 'demo:echo', arguments: { message: 'x' } });
    expect((await get(`${first.url}/metrics`)).body).toContain('mcp_gateway_tools_called{tool="echo",proxy="demo"} 1');
    expect((await get(`${second.url}/m`)).body).not.toContain('mcp_gateway_tools_called{');
    await first.close();
    expect((await get(`${second.url}/live`)).status).toBe(200);
  });

  it('closes within moments although clients hold streams and idle connections open', async () => {
    const gateway = await start();
    await connect(gateway);
    await get(`${gateway.url}/live`);
    await gateway.close();
    await expect(get(`${gateway.url}/live`)).rejects.toThrow();
  }, 15_000);

  it('lets a running call finish while it closes', async () => {
    const gateway = await start();
    const client = await connect(gateway);
    let started: () => void = () => {};
    const underWay = new Promise<void>((resolve) => {
      started = resolve;
    });
    const call = client.callTool({ name: 'demo:slow', arguments: { seconds: 0.5, steps: 5 } }, CallToolResultSchema, {
      onprogress: () => started(),
    });
    await underWay;
    const closed = gateway.close();
    expect(await call).toMatchObject({ content: [{ text: 'Done after 0.5 s' }] });
    await closed;
  });

  it('says what to do when the port is taken, and leaves nothing running', async () => {
    const { url } = await start();
    const live = new LiveConfig(configFrom({ server: { port: Number(new URL(url).port) } }));
    await expect(createGateway({ live })).rejects.toThrow(
      /is in use: stop what listens there .* or choose another port with --port/,
    );
  });
});
