import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { principal } from '#libs/kernel';
import type { AuthOutcome } from '#libs/plugin';
import { initialize, TestClient } from './testing/client.js';
import { result } from './testing/fake-proxy.js';
import { Gate } from './testing/gate.js';
import { TestGateway } from './testing/gateway.js';
import { type Call, raw, send } from './testing/http.js';

const LIMIT = 64 * 1024;
let gateway: TestGateway;
let client: TestClient;

beforeAll(async () => {
  gateway = await TestGateway.start({
    server: (config) => {
      config.limits.body = LIMIT;
      config.cors.allowed_origins = ['https://ui.example'];
    },
  });
  gateway.proxy.handlers.set('tools/list', () => result({ tools: [] }));
  gateway.proxy.handlers.set('tools/call', () => result({ content: [] }));
  client = await TestClient.open(gateway.url);
});
afterAll(() => gateway.close());
beforeEach(() => void gateway.proxy.handled.splice(0));

const list = (headers: Call['headers'] = {}) =>
  client.send({ headers, body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } });

describe('hosts and origins', () => {
  it.each([
    ['a foreign host', { host: 'evil.example' }],
    ['a foreign origin', { origin: 'http://evil.example' }],
    ['both', { host: 'evil.example', origin: 'http://evil.example' }],
    ['the null origin', { origin: 'null' }],
    ['several origins', { origin: ['http://localhost', 'http://localhost'] }],
    ['an origin with userinfo', { origin: 'https://ui.example@evil.com' }],
    ['an origin that only starts like ours', { origin: 'https://ui.example.evil.com' }],
  ])('refuses %s before anything else', async (_what, headers) => {
    const answer = await list(headers);
    expect(answer.status).toBe(403);
    expect(answer.json.id).toBeNull();
    expect(answer.json.error.data.requestId).toBe(answer.headers['x-request-id']);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.text).not.toContain('evil');
    expect(gateway.proxy.handled).toEqual([]);
  });

  it('takes loopback names, loopback pages, and no origin at all', async () => {
    for (const headers of [{}, { host: 'localhost:1' }, { host: '[::1]' }, { origin: 'http://localhost:6274' }]) {
      expect((await list(headers)).status).toBe(200);
    }
  });

  it('answers 400 to two Host headers and to none', async () => {
    const body = 'Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{}';
    const two = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n';
    expect(await raw(gateway.url, two + body)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(gateway.url, `POST /mcp HTTP/1.1\r\n${body}`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(gateway.url, `POST /mcp HTTP/1.0\r\n${body}`)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('does not let an absolute request target name another host', async () => {
    const head = 'HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
    expect(await raw(gateway.url, `POST http://evil.example/mcp ${head}`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await raw(gateway.url, `POST http://evil.example/nowhere ${head}`)).not.toContain('evil');
    expect(await raw(gateway.url, `POST http://localhost/mcp ${head}`)).toMatch(/^HTTP\/1\.1 415 /);
  });

  it.each(['/mcp', '/mcp?x=1', '/%6dcp', '/mcp?'])(
    'look at all spellings of the endpoint, such as %s',
    async (path) => {
      const open = initialize();
      expect((await send(gateway.url, { path, body: open })).status).toBe(200);
      const foreign = await send(gateway.url, { path, body: open, headers: { host: 'evil.example' } });
      expect([foreign.status, foreign.json.error.data.code]).toEqual([403, 'FORBIDDEN_HOST']);
      expect(foreign.headers['x-request-id']).toBe(foreign.json.error.data.requestId);
    },
  );

  it.each(['/mcp/', '/mcpx', '/mcp/a/b', '/MCP'])('find nothing at %s', async (path) => {
    expect((await send(gateway.url, { path, body: {} })).json.error.data.code).toBe('ENDPOINT_NOT_FOUND');
  });

  it('answers probes whatever host they name', async () => {
    const answer = await send(gateway.url, { path: '/live', headers: { host: 'evil.example' } });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-request-id']).toBeTruthy();
  });

  it('follows a changed configuration', async () => {
    const before = gateway.server.current;
    gateway.server.replace(
      Object.assign(Object.create(Object.getPrototypeOf(before)), before, { allowed_hosts: ['new.example'] }),
    );
    expect((await list({ host: 'new.example' })).status).toBe(200);
    gateway.server.replace(before);
    expect((await list({ host: 'new.example' })).status).toBe(403);
  });
});

describe('CORS', () => {
  const preflight = (origin: string, asked?: string) =>
    send(gateway.url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': asked },
    });

  it('lets pages of a configured origin in and shows them the headers they need', async () => {
    const before = await preflight('https://ui.example', 'content-type, mcp-param-city, x-evil');
    expect(before.status).toBe(204);
    expect(before.headers['access-control-allow-origin']).toBe('https://ui.example');
    expect(before.headers['access-control-allow-headers']).toContain('Mcp-Session-Id');
    expect(before.headers['access-control-allow-headers']).toContain('mcp-param-city');
    expect(before.headers['access-control-allow-headers']).not.toContain('x-evil');
    const answer = await list({ origin: 'https://ui.example' });
    expect(answer.headers['access-control-allow-origin']).toBe('https://ui.example');
    expect(answer.headers['access-control-expose-headers']).toContain('Mcp-Session-Id');
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    expect(answer.headers['vary']).toBe('Origin');
  });

  it('marks refusals too, so that pages can read them', async () => {
    const answer = await client.send({ headers: { origin: 'https://ui.example' }, body: '{' });
    expect(answer.status).toBe(400);
    expect(answer.headers['access-control-allow-origin']).toBe('https://ui.example');
  });

  it('gives other origins nothing', async () => {
    expect((await preflight('https://evil.example')).status).toBe(403);
    const local = await preflight('http://localhost:6274');
    expect(local.status).toBe(204);
    expect(local.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('methods, paths and headers', () => {
  it.each(['PUT', 'PATCH', 'HEAD', 'PROPFIND', 'TRACE'])('answers 405 with Allow to %s', async (method) => {
    const answer = await client.send({ method });
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('GET, POST, DELETE, OPTIONS');
  });

  it.each(['/mcp/nowhere', '/mcp/', '/', '/MCP', '//mcp', '/mcp/files/x', '/mcp/__proto__'])(
    'answers 404 in JSON at %s',
    async (path) => {
      const answer = await send(gateway.url, { path, body: initialize() });
      expect(answer.status).toBe(404);
      expect(answer.json.error.data).toMatchObject({
        code: 'ENDPOINT_NOT_FOUND',
        requestId: answer.headers['x-request-id'],
      });
    },
  );

  it.each([
    [{ 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [{ 'content-type': undefined }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [{ 'content-type': 'application/json;charset=utf-16' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [{ 'content-type': 'application/json\t;x' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [{ 'content-type': 'nonsense' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [{ 'content-encoding': 'gzip' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [{ accept: 'text/html' }, 406, 'NOT_ACCEPTABLE'],
    [{ 'mcp-protocol-version': '1999-01-01' }, 400, 'UNSUPPORTED_VERSION'],
    [{ 'mcp-protocol-version': 'latest' }, 400, 'UNSUPPORTED_VERSION'],
    [{ 'mcp-protocol-version': ['2025-11-25', '2025-11-25'] }, 400, 'UNSUPPORTED_VERSION'],
    [{ 'mcp-protocol-version': '2026-07-28' }, 400, 'META_MISSING'],
  ])('answers POST with %j by %i %s', async (headers, status, code) => {
    const answer = await list(headers);
    expect(answer.status).toBe(status);
    expect(answer.json.error.data.code).toBe(code);
    expect(gateway.proxy.handled).toEqual([]);
  });

  it('is lenient about Accept where an answer can still be read', async () => {
    for (const accept of [undefined, '*/*', 'application/json', 'application/json, text/event-stream;q=0.9']) {
      const answer = await list({ accept });
      expect(answer.status).toBe(200);
      expect(answer.json.result).toEqual({ tools: [] });
    }
    for (const accept of ['text/event-stream', 'text/event-stream, application/json']) {
      const stream = await list({ accept });
      expect(stream.headers['content-type']).toBe('text/event-stream');
      expect(stream.text).toContain('"tools":[]');
    }
  });

  it('takes every legacy version header and none', async () => {
    for (const version of ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', undefined]) {
      expect((await list({ 'mcp-protocol-version': version })).status).toBe(200);
    }
  });

  it('refuses more header lines than allowed', async () => {
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`x-h${index}`, '1']));
    const answer = await list(many);
    expect(answer.status).toBe(431);
    expect(answer.json.error.data).toMatchObject({ limit: 100, key: 'server.limits.header_count' });
  });

  it.each(['/mcp', '/live', '/nowhere'])('refuses more than 4 KiB of URL at %s', async (path) => {
    const answer = await send(gateway.url, { path: `${path}?${'x=1&'.repeat(1_024)}` });
    expect(answer.status).toBe(414);
    expect(answer.json.error.data.code).toBe('URI_TOO_LONG');
    const most = await list({});
    expect(most.status).toBe(200);
  });

  it('refuses a header block over 16 KB', async () => {
    const answer = await raw(gateway.url, `POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe('bodies', () => {
  const post = (body: string | Buffer) => client.send({ body });

  it.each([
    ['not JSON', '{', -32700],
    ['nothing', '', -32700],
    ['two objects', '{"jsonrpc":"2.0","id":1,"method":"tools/list"}{}', -32700],
    ['a byte order mark', '\ufeff{"jsonrpc":"2.0","id":1,"method":"tools/list"}', -32700],
    ['a repeated method', '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}', -32700],
    ['a repeated name', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}', -32700],
    [
      'an escaped repetition',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","n\\u0061me":"b"}}',
      -32700,
    ],
    ['an escaped member', '{"jsonrpc":"2.0","id":1,"m\\u0065thod":"tools/list"}', -32600],
    ['a member in another case', '{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}', -32600],
    ['a scalar', '1', -32600],
    ['null', 'null', -32600],
    ['an empty array', '[]', -32600],
    ['a null id', '{"jsonrpc":"2.0","id":null,"method":"tools/list"}', -32600],
    ['a fractional id', '{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}', -32600],
    ['no version', '{"id":1,"method":"tools/list"}', -32600],
    ['65 levels', `{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":${'['.repeat(64)}${']'.repeat(64)}}}`, -32600],
  ])('answers 400 to %s, and nothing is forwarded', async (_what, body, code) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ jsonrpc: '2.0', error: { code } });
    expect(answer.json.error.data.requestId).toBe(answer.headers['x-request-id']);
    expect(gateway.proxy.handled).toEqual([]);
  });

  it('answers 400 to bytes that are not UTF-8', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":1,"method":"'),
      Buffer.of(0xc0, 0xaf),
      Buffer.from('"}'),
    ]);
    expect((await post(bytes)).status).toBe(400);
  });

  it('names the request it refuses when its id could be read', async () => {
    const answer = await post('{"jsonrpc":"2.0","id":"seven","method":"tools/list","Method":"x"}');
    expect(answer.json.id).toBe('seven');
  });

  it('refuses a body that is announced or grows too large, with the limit and its key', async () => {
    const answer = await post('x'.repeat(LIMIT + 1));
    expect(answer.status).toBe(413);
    expect(answer.json.error.data).toMatchObject({ limit: LIMIT, key: 'server.limits.body' });

    const chunk = `${(16_384).toString(16)}\r\n${'x'.repeat(16_384)}\r\n`;
    const head = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n';
    const chunked = await raw(gateway.url, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(8)}0\r\n\r\n`);
    expect(chunked).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('takes a body of exactly the limit', async () => {
    const head = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"x":"';
    const answer = await post(`${head}${'x'.repeat(LIMIT - head.length - 3)}"}}`);
    expect(answer.status).toBe(200);
  });

  it('says nothing to a client that goes away in the middle of its body', async () => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    const head =
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n';
    await new Promise<void>((resolve) => socket.write(`${head}{"json`, () => resolve()));
    const lines = gateway.log.length;
    socket.destroy();
    await once(socket, 'close');
    expect((await list()).status).toBe(200);
    expect(gateway.log.slice(lines)).toEqual([]);
  });

  it('forgets a client that goes away while it is being authenticated', async () => {
    const [asked, verdict] = [new Gate(), new Gate<AuthOutcome>()];
    const authenticate = () => {
      asked.open();
      return verdict.opened;
    };
    const waiting = await TestGateway.start({ providers: [{ authenticate }] });
    const gone = new Promise<void>((resolve) => {
      waiting.app.getHttpServer().once('connection', (socket: Socket) => socket.once('close', () => resolve()));
    });
    const { hostname, port } = new URL(waiting.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    await asked.opened;
    socket.destroy();
    await gone;
    verdict.open({ kind: 'ok', principal: principal('https://issuer.example', 'ann') });
    // By the time somebody else is answered, the first one has been dealt with.
    expect((await send(waiting.url, { body: '{}' })).status).toBe(400);
    expect(waiting.stats.inFlight).toBe(0);
    await waiting.close();
  });

  it('gives up on a body that does not arrive', async () => {
    const slow = await TestGateway.start({
      server: ({ limits }) => {
        limits.request_timeout = 200;
      },
    });
    const head =
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{';
    const { hostname, port } = new URL(slow.url);
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.on('data', (data) => {
      received += data;
    });
    socket.on('error', () => {});
    socket.write(head);
    await once(socket, 'close');
    expect(received).toMatch(/^(HTTP\/1\.1 408 |$)/);
    await slow.close();
  });
});

describe('correlation', () => {
  it('keeps a sane id of the caller, else its trace id, else mints one', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    expect((await list({ 'x-request-id': 'caller-0001' })).headers['x-request-id']).toBe('caller-0001');
    expect((await list({ traceparent: `00-${trace}-00f067aa0ba902b7-01` })).headers['x-request-id']).toBe(trace);
    const minted = await list({ 'x-request-id': 'bad id\u00e9"' });
    expect(minted.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
  });

  it('hands id and trace to the proxy', async () => {
    let seen: { id: string; traceparent: string | undefined } | undefined;
    gateway.proxy.handlers.set('probe', (exchange) => {
      seen = { id: exchange.id, traceparent: exchange.traceparent };
      return result({});
    });
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await client.send({
      headers: { 'x-request-id': 'caller-0002', traceparent },
      body: { jsonrpc: '2.0', id: 1, method: 'probe' },
    });
    expect(seen).toEqual({ id: 'caller-0002', traceparent });
  });
});

describe('failures inside', () => {
  it('T152: tells nothing of what went wrong, only where to look', async () => {
    gateway.proxy.handlers.set('boom', () => {
      throw new Error('password=hunter2 at /etc/secret');
    });
    const answer = await client.request('boom', undefined, 'b1');
    expect(answer.status).toBe(500);
    expect(answer.json).toMatchObject({
      id: 'b1',
      error: { code: -32603, data: { code: 'INTERNAL', origin: 'gateway' } },
    });
    expect(answer.text).not.toContain('hunter2');
    const logged = gateway.log.find((line) => line.fields['requestId'] === answer.headers['x-request-id']);
    expect(logged?.level).toBe('error');
    expect(String(logged?.fields['err'])).toContain('hunter2');
  });

  it('does the same on every other route', async () => {
    const answer = await send(gateway.url, { path: '/broken' });
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('inside');
    expect(answer.json.error.data.requestId).toBe(answer.headers['x-request-id']);
  });

  it('relays errors of the catalogue with their own code on 200', async () => {
    const answer = await client.request('no/such');
    expect(answer.status).toBe(200);
    expect(answer.json.error).toMatchObject({ code: -32601, data: { code: 'METHOD_NOT_FOUND' } });
  });

  it('never logs or answers session ids', () => {
    expect(JSON.stringify(gateway.log)).not.toContain(client.session);
  });
});
