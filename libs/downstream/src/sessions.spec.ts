import { afterEach, describe, expect, it } from 'vitest';
import { type Outcome, Secret } from '#libs/kernel';
import { initialize, TestClient } from './testing/client.js';
import { result } from './testing/fake-proxy.js';
import { Gate } from './testing/gate.js';
import { TestGateway, type TestGatewayOptions } from './testing/gateway.js';
import { as, HeaderUsers } from './testing/header-users.js';
import { send } from './testing/http.js';

const open: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

async function start(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const gateway = await TestGateway.start(options);
  gateway.proxy.handlers.set('tools/list', () => result({ tools: [] }));
  open.push(gateway);
  return gateway;
}

const keyed = (key: string): TestGatewayOptions => ({
  server: (config) => {
    config.session_key = new Secret(key);
  },
});

describe('initialize', () => {
  it('negotiates: a known version as asked, anything else the newest', async () => {
    const { url } = await start();
    for (const [asked, answered] of [
      ['2025-11-25', '2025-11-25'],
      ['2025-06-18', '2025-06-18'],
      ['2025-03-26', '2025-03-26'],
      ['2024-11-05', '2024-11-05'],
      ['2026-07-28', '2025-11-25'],
      ['1.0', '2025-11-25'],
    ]) {
      const answer = await send(url, { body: initialize({ version: asked ?? '' }) });
      expect(answer.json.result.protocolVersion).toBe(answered);
      expect(answer.headers['mcp-session-id']).toMatch(/^[\x21-\x7e]{50,512}$/);
      expect(answer.headers['cache-control']).toBe('no-store');
    }
  });

  it('keeps what the client said of itself in the session, as far as the gateway can use it', async () => {
    const gateway = await start();
    const declared = { elicitation: { form: {}, url: {} }, roots: { listChanged: true }, experimental: { x: {} } };
    const client = await TestClient.open(gateway.url, { capabilities: declared, version: '2025-06-18' });
    gateway.proxy.handlers.set('who', ({ client: hop }) => result(hop));
    const expected = {
      era: 'legacy',
      version: '2025-06-18',
      name: 'test',
      clientVersion: '1',
      capabilities: { elicitation: { form: {}, url: {} }, roots: { listChanged: true } },
    };
    expect(gateway.proxy.initialized?.client).toEqual(expected);
    expect((await client.request('who')).json.result).toEqual(expected);
  });

  it('refuses a session id of the client, and one without a version', async () => {
    const { url } = await start();
    const fixed = await send(url, { headers: { 'mcp-session-id': 'chosen-by-me' }, body: initialize() });
    expect(fixed.status).toBe(400);
    expect(fixed.json.error.data.code).toBe('SESSION_EXISTS');
    const bare = await send(url, { body: { jsonrpc: '2.0', id: 3, method: 'initialize', params: {} } });
    expect(bare.status).toBe(200);
    expect(bare.json).toMatchObject({ id: 3, error: { code: -32602, data: { supported: expect.any(Array) } } });
  });

  it('waits for upstreams no longer than the proxy says', async () => {
    const gateway = await start();
    const [asked, warm] = [new Gate(), new Gate()];
    gateway.proxy.warm = () => {
      asked.open();
      return warm.opened;
    };
    const pending = send(gateway.url, { body: initialize() });
    await asked.opened;
    expect(gateway.proxy.initialized).toBeUndefined();
    warm.open();
    expect((await pending).status).toBe(200);
  });
});

describe('requests of a session', () => {
  it('answers ping itself', async () => {
    const gateway = await start();
    const client = await TestClient.open(gateway.url);
    expect((await client.request('ping', undefined, 'p')).json).toEqual({ jsonrpc: '2.0', id: 'p', result: {} });
    expect(gateway.proxy.handled).toEqual([]);
  });

  it('accepts notifications with 202 and passes on those that concern upstreams', async () => {
    const gateway = await start();
    const client = await TestClient.open(gateway.url);
    for (const method of ['notifications/initialized', 'notifications/roots/list_changed']) {
      const answer = await client.notify(method);
      expect(answer.status).toBe(202);
      expect(answer.text).toBe('');
    }
    expect(gateway.proxy.notifications.map(({ method }) => method)).toEqual(['notifications/roots/list_changed']);
  });

  it('needs its session id on everything but initialize', async () => {
    const { url } = await start();
    const messages = [
      { jsonrpc: '2.0', id: 1, method: 'tools/list' },
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 'gw-1', result: {} },
    ];
    for (const body of messages) {
      const answer = await send(url, { body });
      expect(answer.status).toBe(400);
      expect(answer.json.error.data.code).toBe('SESSION_MISSING');
    }
    for (const method of ['GET', 'DELETE']) expect((await send(url, { method })).status).toBe(400);
  });

  it.each([
    ['a space', 'a b'],
    ['more than 512 characters', 'x'.repeat(513)],
    ['nothing in it', ''],
    ['a byte outside ASCII', 'caf\u00e9'],
    ['a second value', ['one', 'two']],
  ])('answers 400 to a session id with %s', async (_what, id) => {
    const { url } = await start();
    for (const call of [{ body: { jsonrpc: '2.0', id: 1, method: 'ping' } }, { method: 'GET' }, { method: 'DELETE' }]) {
      expect((await send(url, { ...call, headers: { 'mcp-session-id': id } })).status).toBe(400);
    }
  });

  it('refuses an id that is still in flight, but not `1` besides `"1"`', async () => {
    const gateway = await start();
    const client = await TestClient.open(gateway.url);
    const finish = new Gate<Outcome>();
    gateway.proxy.handlers.set('slow', () => finish.opened);
    const first = client.request('slow', undefined, 1);
    await expect.poll(() => gateway.proxy.handled.length).toBe(1);
    const second = await client.request('tools/list', undefined, 1);
    expect(second.status).toBe(400);
    expect(second.json).toMatchObject({ id: 1, error: { code: -32600 } });
    expect((await client.request('tools/list', undefined, '1')).status).toBe(200);
    finish.open(result({}));
    expect((await first).json.result).toEqual({});
    expect((await client.request('tools/list', undefined, 1)).status).toBe(200);
  });

  it('echoes ids byte for byte', async () => {
    const { url } = await start();
    const client = await TestClient.open(url);
    for (const id of ['9007199254740993', '"\\u00e9\\/"', '-0', '""']) {
      const answer = await client.send({ body: `{"jsonrpc":"2.0","id":${id},"method":"tools/list"}` });
      expect(answer.text.startsWith(`{"jsonrpc":"2.0","id":${id},`)).toBe(true);
    }
  });
});

describe('whose session it is', () => {
  const bad = async (url: string, path: string, session: string, headers: Record<string, string> = {}) => {
    const texts: string[] = [];
    const calls = [{ body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } }, { method: 'GET' }, { method: 'DELETE' }];
    for (const call of calls) {
      const answer = await send(url, { ...call, path, headers: { 'mcp-session-id': session, ...headers } });
      expect(answer.status).toBe(404);
      texts.push(JSON.stringify(answer.json.error).replace(String(answer.headers['x-request-id']), ''));
    }
    return new Set(texts);
  };

  it("answers 404 with one text to every id that is not this caller's here", async () => {
    const gateway = await start({ providers: [new HeaderUsers()] });
    const { url } = gateway;
    const ann = await TestClient.open(url, { headers: as('ann') });
    const gone = await TestClient.open(url, { headers: as('ann') });
    expect((await gone.send({ method: 'DELETE' })).status).toBe(204);
    const flipped = ann.session.slice(0, -3) + (ann.session.at(-3) === 'A' ? 'B' : 'A') + ann.session.slice(-2);
    const texts = new Set([
      ...(await bad(url, '/mcp', ann.session, as('bob'))),
      ...(await bad(url, '/mcp/files', ann.session, as('ann'))),
      ...(await bad(url, '/mcp', gone.session, as('ann'))),
      ...(await bad(url, '/mcp', flipped, as('ann'))),
      ...(await bad(url, '/mcp', 'never-issued', as('ann'))),
      ...(await bad(url, '/mcp', `g2${ann.session.slice(2)}`, as('ann'))),
    ]);
    // One body for all of them: nothing tells a stranger which of the reasons it was.
    expect(texts.size).toBe(1);
    expect([...texts][0]).toContain('"code":-32001');
    expect((await ann.request('tools/list')).status).toBe(200);
  });

  it('keeps endpoints apart', async () => {
    const { url } = await start();
    const files = await TestClient.open(url, { path: '/mcp/files' });
    expect((await files.request('tools/list')).status).toBe(200);
    await bad(url, '/mcp/clock', files.session);
    await bad(url, '/mcp', files.session);
  });
});

describe('a session elsewhere and later', () => {
  it('is served by every process with the same key, at the same time and after a restart', async () => {
    const one = await start(keyed('the same key'));
    const two = await start(keyed('the same key'));
    const client = await TestClient.open(one.url);
    expect((await client.at(two.url).request('tools/list')).status).toBe(200);
    expect((await client.request('tools/list')).status).toBe(200);
    await one.close();
    const again = await start(keyed('the same key'));
    expect((await client.at(again.url).request('tools/list')).status).toBe(200);
    const stream = await client.at(again.url).listen();
    stream.close();
  });

  it('is unknown to a process with another key, or with none', async () => {
    const one = await start(keyed('one key'));
    const client = await TestClient.open(one.url);
    for (const options of [keyed('another key'), {}]) {
      const other = await start(options);
      expect((await client.at(other.url).request('tools/list')).status).toBe(404);
    }
  });

  it('says once at the start that sessions end with the process when there is no key', async () => {
    const gateway = await start();
    expect(gateway.log.filter(({ message }) => message.includes('server.session_key'))).toHaveLength(1);
    expect((await start(keyed('key'))).log).toEqual([]);
  });
});

describe('bounds', () => {
  it('forgets the session of a caller that was idle longest, which stays valid all the same', async () => {
    const gateway = await start({
      server: (config) => {
        config.limits.sessions_per_principal = 2;
      },
    });
    const clients = [];
    for (let index = 0; index < 4; index++) clients.push(await TestClient.open(gateway.url));
    expect(gateway.stats.sessions).toBe(2);
    expect(gateway.proxy.closed).toHaveLength(2);
    for (const client of clients) expect((await client.request('tools/list')).status).toBe(200);
    expect(gateway.stats.sessions).toBe(2);
  });

  it("answers 429 when all of a caller's sessions are busy", async () => {
    const gateway = await start({
      server: (config) => {
        config.limits.sessions_per_principal = 1;
      },
    });
    const client = await TestClient.open(gateway.url);
    const stream = await client.listen();
    const answer = await send(gateway.url, { body: initialize() });
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBeTruthy();
    stream.close();
    await expect.poll(() => gateway.stats.streams).toBe(0);
    expect((await send(gateway.url, { body: initialize() })).status).toBe(200);
  });

  it('counts the streams of a caller', async () => {
    const gateway = await start({
      providers: [new HeaderUsers()],
      server: (config) => {
        config.limits.streams_per_principal = 2;
      },
    });
    const ann = await TestClient.open(gateway.url, { headers: as('ann') });
    const streams = [await ann.listen(), await ann.listen()];
    await expect(ann.listen()).rejects.toThrow('429');
    const bob = await TestClient.open(gateway.url, { headers: as('bob') });
    streams.push(await bob.listen());
    expect(gateway.stats.streams).toBe(3);
    streams[0]?.close();
    await expect.poll(() => gateway.stats.streams).toBe(2);
    streams.push(await ann.listen());
    for (const stream of streams) stream.close();
    await expect.poll(() => gateway.stats.streams).toBe(0);
  });
});

describe('DELETE', () => {
  it('ends the session: running requests, streams, and what the proxy holds for it', async () => {
    const gateway = await start();
    const client = await TestClient.open(gateway.url);
    let aborted = false;
    gateway.proxy.handlers.set('slow', (exchange) => {
      return new Promise((_resolve, reject) => {
        exchange.onAbort((reason) => {
          aborted = true;
          reject(reason);
        });
      });
    });
    const stream = await client.listen();
    const running = client.request('slow');
    await expect.poll(() => gateway.proxy.handled).toContain('slow');
    expect((await client.send({ method: 'DELETE' })).status).toBe(204);
    expect(aborted).toBe(true);
    expect((await running).status).toBe(404);
    expect(await stream.rest()).toEqual([]);
    expect(gateway.proxy.closed).toHaveLength(1);
    expect(gateway.proxy.subscribers.size).toBe(0);
    expect(gateway.stats).toMatchObject({ sessions: 0, streams: 0, running: 0 });
    expect((await client.request('tools/list')).status).toBe(404);
    expect((await client.send({ method: 'DELETE' })).status).toBe(404);
  });
});
