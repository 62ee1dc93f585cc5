import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import type { LimitsConfig } from '#libs/config';
import { TestClient } from './testing/client.js';
import { progress, result } from './testing/fake-proxy.js';
import { Gate } from './testing/gate.js';
import type { TestGateway } from './testing/gateway.js';
import { gateways } from './testing/gateways.js';
import { HeaderUsers } from './testing/header-users.js';
import { type Answer, raw, send } from './testing/http.js';
import { ModernClient } from './testing/modern-client.js';

const start = gateways();

function limited(limits: Partial<LimitsConfig>, providers = [] as HeaderUsers[]): Promise<TestGateway> {
  const server = (config: { limits: LimitsConfig }) => void Object.assign(config.limits, limits);
  return start({}, { server, ...(providers.length > 0 && { providers }) });
}

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

/** A session with a call that runs on. */
async function busySession(gateway: TestGateway): Promise<TestClient> {
  const client = await TestClient.open(gateway.url);
  gateway.proxy.handlers.set('tools/call', () => new Gate<never>().opened);
  client.request('tools/call', { name: 't' }).catch(() => {});
  await expect.poll(() => gateway.stats.running).toBeGreaterThan(0);
  return client;
}

const listen = (client: TestClient) => client.send({ method: 'GET', headers: { accept: 'text/event-stream' } });

interface Case {
  readonly limits: Partial<LimitsConfig>;
  readonly providers?: HeaderUsers[];
  readonly status: number;
  readonly beyond: (gateway: TestGateway) => Promise<Answer>;
}

const CASES: Readonly<Record<string, Case>> = {
  body: {
    limits: { body: 1024 },
    status: 413,
    beyond: ({ url }) => send(url, { body: { ...LIST, params: { x: 'y'.repeat(2000) } } }),
  },
  json_depth: {
    limits: { json_depth: 8 },
    status: 400,
    beyond: ({ url }) => send(url, { body: `{"a":${'['.repeat(9)}${']'.repeat(9)}}` }),
  },
  json_nodes: {
    limits: { json_nodes: 100 },
    status: 400,
    beyond: ({ url }) => send(url, { body: { ...LIST, params: { x: Array.from({ length: 100 }, () => 1) } } }),
  },
  header_count: {
    limits: { header_count: 10 },
    status: 431,
    beyond: ({ url }) => {
      const headers = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`x-${index}`, 'y']));
      return send(url, { body: LIST, headers });
    },
  },
  url: {
    limits: { url: 256 },
    status: 414,
    beyond: ({ url }) => send(url, { path: `/mcp?x=${'y'.repeat(300)}`, body: LIST }),
  },
  token: {
    limits: {},
    providers: [new HeaderUsers()],
    status: 401,
    beyond: ({ url }) => send(url, { body: LIST, headers: { authorization: `Bearer ${'x'.repeat(9000)}` } }),
  },
  sessions_per_principal: {
    limits: { sessions_per_principal: 1 },
    status: 429,
    beyond: async (gateway) => {
      const other = await TestClient.open(gateway.url);
      await busySession(gateway);
      return other.request('tools/list');
    },
  },
  sessions: {
    limits: { sessions: 1 },
    status: 429,
    beyond: async (gateway) => {
      const other = await TestClient.open(gateway.url);
      await busySession(gateway);
      return other.request('tools/list');
    },
  },
  streams_per_principal: {
    limits: { streams_per_principal: 1 },
    status: 429,
    beyond: async (gateway) => {
      const client = await TestClient.open(gateway.url);
      await client.listen();
      return listen(client);
    },
  },
  streams: {
    limits: { streams: 1 },
    status: 429,
    beyond: async (gateway) => {
      const client = await TestClient.open(gateway.url);
      await client.listen();
      return listen(client);
    },
  },
  requests_in_flight: {
    limits: { requests_in_flight: 1 },
    status: 503,
    beyond: async (gateway) => (await busySession(gateway)).request('tools/list'),
  },
};

describe('beyond server.limits', () => {
  it.each(Object.entries(CASES))('.%s a request is refused, and the limit is counted', async (key, given) => {
    const gateway = await limited(given.limits, given.providers);
    const answer = await given.beyond(gateway);
    expect(answer.status, answer.text).toBe(given.status);
    expect(gateway.reached).toEqual([`server.limits.${key}`]);
    if (answer.status === 429 || answer.status === 503)
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect((await send(gateway.url, { path: '/live' })).status).toBe(200);
  });

  it('.header_size Node refuses a request, and the limit is counted', async () => {
    const gateway = await limited({ header_size: 4096 });
    const head = `GET /live HTTP/1.1\r\nHost: localhost\r\nX-Big: ${'y'.repeat(5000)}\r\n\r\n`;
    expect(await raw(gateway.url, head)).toMatch(/^HTTP\/1\.1 431 /);
    expect(gateway.reached).toEqual(['server.limits.header_size']);
  });

  it.each([
    ['headers_timeout', { headers_timeout: 150 }, 'POST /mcp HTTP/1.1\r\nHost: localhost\r\n'],
    [
      'request_timeout',
      { request_timeout: 150 },
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    ],
  ])('T140: .%s a connection that sends too slowly is given up, and counted', async (_key, limits, begun) => {
    const gateway = await limited(limits);
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.resume().write(begun);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(gateway.reached).toEqual(['server.limits.request_timeout']);
  });

  it('.session_lifetime a session is over', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const gateway = await limited({ session_lifetime: 60_000 });
      gateway.proxy.handlers.set('tools/list', () => result({ tools: [] }));
      const client = await TestClient.open(gateway.url);
      vi.setSystemTime(Date.now() + 58_000);
      expect((await client.request('tools/list')).status).toBe(200);
      vi.setSystemTime(Date.now() + 3_000);
      expect((await client.request('tools/list')).status).toBe(404);
    } finally {
      vi.useRealTimers();
    }
  });

  it('.requests_per_connection a client is told to close a connection with its last answer', async () => {
    const gateway = await limited({ requests_per_connection: 2 });
    const get = 'GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.on('data', (chunk) => {
      if (!received.includes('HTTP/1.1')) socket.write(get);
      received += chunk;
    });
    socket.write(get);
    await expect
      .poll(() => received.match(/^connection: .*$/gim))
      .toEqual(['Connection: keep-alive', 'Connection: close']);
    socket.destroy();
    expect(received).toMatch(/keep-alive: timeout=\d+, max=2/i);
  });
});

describe('a client that reads too slowly', () => {
  const BIG = Buffer.from(JSON.stringify({ uri: 'x'.repeat(256 * 1024) }));

  it('loses its standalone stream beyond server.limits.stream_buffer', async () => {
    const gateway = await limited({ stream_buffer: 16 * 1024 });
    const client = await TestClient.open(gateway.url);
    const stream = await client.listen();
    stream.response.pause();
    const [channel] = gateway.proxy.subscribers.values();
    for (let index = 0; index < 64 && gateway.stats.streams > 0; index++) {
      channel?.deliver({ method: 'notifications/resources/updated', params: BIG });
      await new Promise(setImmediate);
    }
    expect(gateway.stats.streams).toBe(0);
    expect(gateway.reached).toEqual(['server.limits.stream_buffer']);
    stream.close();
  });

  it('misses messages of its call, never the answer', async () => {
    const gateway = await limited({ stream_buffer: 16 * 1024 });
    const client = await TestClient.open(gateway.url);
    const sent = new Gate();
    gateway.proxy.handlers.set('tools/call', async (exchange) => {
      progress(exchange, 1);
      for (let index = 0; index < 64; index++) {
        exchange.notify({ method: 'notifications/message', params: BIG });
        await new Promise(setImmediate);
      }
      sent.open();
      return result({ content: [] });
    });
    const stream = await client.stream('tools/call', { name: 't' }, 'mine');
    stream.response.pause();
    await sent.opened;
    stream.response.resume();
    const messages = await stream.rest();
    expect(messages.at(-1)).toMatchObject({ id: 'mine', result: { content: [] } });
    expect(messages.length).toBeLessThan(60);
    expect(new Set(gateway.reached)).toEqual(new Set(['server.limits.stream_buffer']));
  });
});

describe('calls that have to be parked', () => {
  it.each(['parked_calls', 'parked_per_principal'] as const)('are not, beyond server.limits.%s', async (key) => {
    const gateway = await limited({ [key]: 0 });
    const refused: unknown[] = [];
    gateway.proxy.handlers.set('tools/call', async (exchange) => {
      await exchange.ask({ method: 'roots/list', server: 's' }).answer.catch((error: unknown) => refused.push(error));
      return result({ content: [] });
    });
    await new ModernClient(gateway.url, { capabilities: { roots: {} } }).tool();
    expect(refused).toMatchObject([{ code: 'PARKING_FULL' }]);
    expect(gateway.reached).toEqual([`server.limits.${key}`]);
  });
});
