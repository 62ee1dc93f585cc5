import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, dataOf } from '../support/client.js';
import { type Gateway, listed, spawnGateway, toolNames } from '../support/gateway.js';
import { freePort } from '../support/processes.js';
import { initializeBody, RawSession, http as raw } from '../support/raw.js';
import { listen } from '../support/stream.js';
import { http, RICH, startRich, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const servers = new Cleanup();
const cleanup = new Cleanup();
let gateway: Gateway;
let richUrl: string;

beforeAll(async () => {
  const rich = servers.add(await startRich());
  richUrl = rich.url;
  gateway = servers.add(await spawnGateway({ servers: [http('web', rich.url), stdio('local', RICH)] }));
  await listed(gateway, 'web', 'local');
});
afterEach(() => cleanup.close());
afterAll(() => servers.close());

const open = async (name?: string, params = {}) => cleanup.add(await RawSession.open(gateway.mcp(name), params));
const rpc = (message: object) => JSON.stringify({ jsonrpc: '2.0', ...message });
const errorOf = (text: string) => (JSON.parse(text) as { error: { code: number } }).error.code;

describe('the handshake', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('accepts revision %s', async (version) => {
    const session = await open(undefined, { version });
    expect(session.version).toBe(version);
    expect((await session.request('tools/list')).result?.['tools']).toEqual(expect.any(Array));
  });

  it.each(['2026-07-28', '1999-01-01'])('answers a request for %s with the latest revision it has', async (version) => {
    expect((await open(undefined, { version })).version).toBe('2025-11-25');
  });

  it('issues an id of visible ASCII, at most 512 bytes, and never the same twice', async () => {
    const ids = await Promise.all([open(), open(), open()]);
    for (const { id } of ids) {
      expect(id).toMatch(/^[\x21-\x7e]{1,512}$/);
    }
    expect(new Set(ids.map(({ id }) => id)).size).toBe(3);
  });

  it('is refused inside a session', async () => {
    const session = await open();
    expect((await session.post(initializeBody())).status).toBe(400);
  });
});

describe('a request', () => {
  it('without a session gets 400, with an unknown one 404, and never 401', async () => {
    const body = rpc({ id: 1, method: 'tools/list' });
    expect((await raw(gateway.mcp(), { body })).status).toBe(400);
    const session = await open();
    const forged = `${session.id.slice(0, -2)}${session.id.endsWith('AA') ? 'BB' : 'AA'}`;
    for (const id of ['nonsense', forged]) {
      expect((await raw(gateway.mcp(), { body, headers: { 'mcp-session-id': id } })).status).toBe(404);
    }
  });

  it('with the session of another endpoint gets 404', async () => {
    const session = await open();
    const body = rpc({ id: 1, method: 'tools/list' });
    expect((await raw(gateway.mcp('web'), { body, headers: session.headers })).status).toBe(404);
  });

  it('at an endpoint nobody has gets 404', async () => {
    expect((await raw(gateway.mcp('nobody'), { body: initializeBody() })).status).toBe(404);
  });

  it.each([
    ['what is not JSON', '{"jsonrpc":', 400, -32700],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, -32700],
    ['what is not JSON-RPC', '{"hello":"world"}', 400, -32600],
    ['a number', '42', 400, -32600],
    ['another JSON-RPC version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, -32600],
    ['an id that is null', '{"jsonrpc":"2.0","id":null,"method":"ping"}', 400, -32600],
    ['a method twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}', 400, -32700],
    ['an escaped second method', '{"jsonrpc":"2.0","id":1,"method":"ping","\\u006dethod":"tools/list"}', 400, -32700],
    ['a batch outside of 2025-03-26', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 400, -32600],
    [
      'a deep body',
      `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${'['.repeat(200)}${']'.repeat(200)}}}`,
      400,
      -32600,
    ],
  ])('with %s is refused', async (_what, body, status, code) => {
    const session = await open();
    const answer = await session.post(body);
    expect([answer.status, errorOf(answer.text)]).toEqual([status, code]);
  });

  it('for a method nobody knows gets -32601 with status 200', async () => {
    const session = await open();
    const answer = await session.request('no/such/method', {});
    expect([answer.status, answer.error?.code]).toEqual([200, -32601]);
    expect((await session.request('server/discover', {})).error?.code).toBe(-32601);
    expect((await session.request('tasks/list', {})).error?.code).toBe(-32601);
  });

  it('keeps the type and value of its id', async () => {
    const session = await open();
    for (const id of ['0', 0, -7, 'a"b', '9007199254740993', Number.MAX_SAFE_INTEGER]) {
      const answer = await session.post(rpc({ id, method: 'ping' }));
      expect(JSON.parse(answer.messages.at(-1) ?? '')).toEqual({ jsonrpc: '2.0', id, result: {} });
    }
  });

  it.each([
    ['a content type that is not JSON', { 'content-type': 'text/plain' }, 415],
    ['an Accept that takes neither', { accept: 'text/html' }, 406],
    ['a protocol version nobody knows', { 'mcp-protocol-version': '2020-01-01' }, 400],
    ['a foreign Origin', { origin: 'http://evil.example.com' }, 403],
    ['a foreign Host', { host: 'evil.example.com' }, 403],
  ])('with %s is refused', async (_what, headers, status) => {
    const session = await open();
    expect((await session.post(rpc({ id: 1, method: 'ping' }), headers as Record<string, string>)).status).toBe(status);
  });

  it('with another HTTP method gets 405 and the methods there are', async () => {
    const answer = await raw(gateway.mcp(), { method: 'PUT', body: '{}' });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toContain('POST');
  });
});

describe('a notification or a response', () => {
  it('gets 202 and no body', async () => {
    const session = await open();
    for (const body of [
      rpc({ method: 'notifications/whatever' }),
      rpc({ method: 'notifications/cancelled', params: { requestId: 'unknown' } }),
      rpc({ id: 'nobody-asked', result: {} }),
    ]) {
      const answer = await session.post(body);
      expect([answer.status, answer.text]).toEqual([202, '']);
    }
  });
});

describe('progress tokens', () => {
  it.each(['7', 7, 0, 'token "x"'])('come back with their type: %j', async (progressToken) => {
    const session = await open('web');
    const params = { name: 'progress', arguments: { steps: 2 }, _meta: { progressToken } };
    const answer = await session.request('tools/call', params);
    const seen = answer.messages.map((message) => JSON.parse(message) as { method?: string; params?: object });
    const progress = seen.filter(({ method }) => method === 'notifications/progress').map(({ params }) => params);
    expect(progress).toMatchObject([
      { progressToken, progress: 1 },
      { progressToken, progress: 2 },
    ]);
  });
});

describe('2025-03-26 batches', () => {
  it('are answered one by one, in any order, errors included', async () => {
    const session = await open(undefined, { version: '2025-03-26' });
    const answer = await session.post(
      JSON.stringify([
        { jsonrpc: '2.0', id: 'a', method: 'ping' },
        { jsonrpc: '2.0', method: 'notifications/whatever' },
        { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'web:echo', arguments: { message: 'one' } } },
        { jsonrpc: '2.0', id: 3, method: 'no/such/method' },
      ]),
    );
    expect(answer.status).toBe(200);
    type Message = { id?: unknown; result?: object; error?: { code: number } };
    const messages = answer.messages.flatMap((message) => JSON.parse(message) as Message | Message[]);
    const byId = new Map(messages.map((message) => [message.id, message]));
    expect([...byId.keys()].sort()).toEqual([2, 3, 'a']);
    expect(byId.get('a')?.result).toEqual({});
    expect(byId.get(2)?.result).toMatchObject({ content: [{ type: 'text', text: 'one' }] });
    expect(byId.get(3)?.error?.code).toBe(-32601);
  });

  it('of notifications alone get 202, and empty ones are refused', async () => {
    const session = await open(undefined, { version: '2025-03-26' });
    expect((await session.post('[{"jsonrpc":"2.0","method":"notifications/x"}]')).status).toBe(202);
    expect((await session.post('[]')).status).toBe(400);
  });
});

describe('the GET stream', () => {
  it('is an event stream no proxy should buffer', async () => {
    const { response } = await listen(await open(), cleanup);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
  });

  it('may be opened several times, and each message is on one of them', async () => {
    const session = await open();
    const streams = [await listen(session, cleanup), await listen(session, cleanup)];
    expect(streams.map(({ response }) => response.status)).toEqual([200, 200]);
    const actor = await open();
    await actor.request('tools/call', {
      name: 'web:change',
      arguments: { kind: 'tools', name: 'streamed', present: true },
    });
    const all = () => streams.flatMap(({ messages }) => messages.items);
    const changes = () => all().filter(({ method }) => method === 'notifications/tools/list_changed').length;
    await until('the change is told', () => changes() > 0);
    expect(changes()).toBe(1);
    await actor.request('tools/call', {
      name: 'web:change',
      arguments: { kind: 'tools', name: 'streamed', present: false },
    });
  });

  it('needs a session and an Accept for it', async () => {
    const session = await open();
    const headers = { ...session.headers, accept: 'application/json' };
    expect((await raw(session.url, { method: 'GET', headers })).status).toBe(406);
    expect((await raw(session.url, { method: 'GET', headers: { accept: 'text/event-stream' } })).status).toBe(400);
    const foreign = { accept: 'text/event-stream', 'mcp-session-id': 'nonsense' };
    expect((await raw(session.url, { method: 'GET', headers: foreign })).status).toBe(404);
  });
});

describe('the end of a session', () => {
  it('is a DELETE, after which it is unknown', async () => {
    const session = await RawSession.open(gateway.mcp());
    const ended = await raw(session.url, { method: 'DELETE', headers: session.headers });
    expect(ended.status).toBeGreaterThanOrEqual(200);
    expect(ended.status).toBeLessThan(300);
    expect((await session.post(rpc({ id: 1, method: 'tools/list' }))).status).toBe(404);
    expect((await raw(session.url, { method: 'DELETE', headers: session.headers })).status).toBe(404);
  });

  it('closes its streams', async () => {
    const session = await RawSession.open(gateway.mcp());
    const headers = { ...session.headers, accept: 'text/event-stream' };
    const stream = await fetch(session.url, { headers });
    await session.close();
    expect(await stream.text()).not.toContain('data:');
  });

  it('needs an id that is known', async () => {
    expect((await raw(gateway.mcp(), { method: 'DELETE' })).status).toBe(400);
    const headers = { 'mcp-session-id': 'nonsense' };
    expect((await raw(gateway.mcp(), { method: 'DELETE', headers })).status).toBe(404);
  });
});

describe('a restart', () => {
  it('keeps sessions when the key is the same, and forgets them when it is not', async () => {
    const port = await freePort();
    const config = (session_key: string) => ({ server: { session_key }, servers: [http('web', richUrl)] });
    const [key, other] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
    const first = await spawnGateway(config(key), { port });
    await listed(first, 'web');
    const peer = await connect(first.mcp());
    cleanup.run(() => peer.client.close());
    await first.close();

    const second = await spawnGateway(config(key), { port });
    await listed(second, 'web');
    expect(dataOf(await peer.call('web:inspect', { a: 1 }))).toMatchObject({ arguments: { a: 1 } });
    await second.close();

    const third = cleanup.add(await spawnGateway(config(other), { port }));
    await listed(third, 'web');
    await expect(peer.call('web:echo', { message: 'x' })).rejects.toMatchObject({ code: 404 });
  });
});

describe('correlation', () => {
  const sane = 'support-case-4711';
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traceparent = `00-${trace}-00f067aa0ba902b7-01`;

  it('takes a sane id, a trace id, or makes one, and says which in every answer', async () => {
    const session = await open();
    const body = rpc({ id: 1, method: 'ping' });
    expect((await session.post(body, { 'x-request-id': sane })).headers['x-request-id']).toBe(sane);
    expect((await session.post(body, { traceparent })).headers['x-request-id']).toBe(trace);
    const made = (await session.post(body, { 'x-request-id': 'bad id\twith spaces' })).headers['x-request-id'];
    expect(made).toMatch(/^[A-Za-z0-9._-]{8,128}$/);
    expect((await raw(gateway.mcp(), { body: '{' })).headers['x-request-id']).toBeDefined();
  });

  it('is in the errors the gateway makes', async () => {
    const session = await open();
    const body = rpc({ id: 1, method: 'tools/call', params: { name: 'web:nobody' } });
    const answer = await session.post(body, { 'x-request-id': sane });
    const { error } = JSON.parse(answer.messages.at(-1) ?? '') as { error: { data: object } };
    expect(error.data).toMatchObject({ requestId: sane, code: 'UNKNOWN_TOOL' });
  });

  it('reaches the upstream, and what belongs to the first hop does not', async () => {
    const session = await open();
    const body = rpc({ id: 1, method: 'tools/call', params: { name: 'web:status' } });
    const secrets = { authorization: 'Bearer secret', cookie: 'a=b', 'x-forwarded-for': '10.0.0.1', 'x-custom': 'c' };
    const answer = await session.post(body, { 'x-request-id': sane, traceparent, ...secrets });
    const { result } = JSON.parse(answer.messages.at(-1) ?? '') as {
      result: { structuredContent: { headers: object } };
    };
    const { headers } = result.structuredContent;
    expect(headers).toMatchObject({ 'x-request-id': sane, 'mcp-protocol-version': '2025-11-25' });
    for (const name of Object.keys(secrets)) expect(headers).not.toHaveProperty(name);
    expect(JSON.stringify(headers)).not.toContain(session.id);
  });
});

describe('the listener', () => {
  it('is alive and ready, and counts what tools are called', async () => {
    for (const path of ['/live', '/ready'])
      expect((await raw(`${gateway.url}${path}`, { method: 'GET' })).status).toBe(200);
    const session = await open();
    await session.request('tools/call', { name: 'web:echo', arguments: { message: 'x' } });
    await toolNames(session);
    const metrics = (await raw(`${gateway.url}/metrics`, { method: 'GET', headers: { accept: 'text/plain' } })).text;
    expect(metrics).toMatch(/^mcp_gateway_tools_called\{[^}]*tool="echo"[^}]*\} [1-9]/m);
    expect(metrics).toMatch(/^mcp_gateway_tools_call_success\{[^}]*proxy="web"[^}]*\} [1-9]/m);
    expect(metrics).toMatch(/^mcp_gateway_list_tools\{[^}]*proxy="all"[^}]*\} [1-9]/m);
  });
});
