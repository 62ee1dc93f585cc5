import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Outcome } from '#libs/kernel';
import { Connections } from './http/connections.js';
import { TestClient } from './testing/client.js';
import { result } from './testing/fake-proxy.js';
import { Gate } from './testing/gate.js';
import type { TestGateway } from './testing/gateway.js';
import { gateways } from './testing/gateways.js';
import { ACCEPT, type Answer, type Call, raw, read } from './testing/http.js';
import { ModernClient } from './testing/modern-client.js';

const start = gateways();
const open: Connection[] = [];
afterEach(() => {
  for (const connection of open.splice(0)) connection.close();
});

/** One connection of a client, which another request goes on for as long as it lives. */
class Connection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly ports = new Set<number>();

  constructor(readonly gateway: TestGateway) {
    open.push(this);
  }

  /** With a first request behind it. */
  static async used(gateway: TestGateway): Promise<Connection> {
    const connection = new Connection(gateway);
    expect((await connection.send({ method: 'GET', path: '/live' })).status).toBe(200);
    return connection;
  }

  async send(call: Call): Promise<Answer> {
    const sending = this.begin(call);
    sending.end(call.body === undefined ? undefined : JSON.stringify(call.body));
    return this.answer(sending);
  }

  begin({ method = 'POST', path = '/mcp', headers = {} }: Call) {
    const all = { 'content-type': 'application/json', accept: ACCEPT, ...headers } as Record<string, string>;
    const sending = httpRequest(`${this.gateway.url}${path}`, { method, agent: this.#agent, headers: all });
    sending.on('socket', (socket) => {
      const note = () => this.ports.add((socket.address() as AddressInfo).port);
      if (socket.connecting) socket.once('connect', note);
      else note();
    });
    return sending;
  }

  async answer(sending: ReturnType<Connection['begin']>): Promise<Answer> {
    const [response] = (await once(sending, 'response')) as [IncomingMessage];
    return read(response);
  }

  close(): void {
    this.#agent.destroy();
  }
}

const work = () => result({ done: true });
const inSession = (client: TestClient, body: object): Call => ({
  headers: { 'mcp-session-id': client.session },
  body: { jsonrpc: '2.0', ...body },
});
const initialize: Call = {
  body: {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  },
};

describe('a gateway that has announced its end', () => {
  it('still does everything, and closes each connection with its answer', async () => {
    const gateway = await start({ work, 'tools/list': work });
    const connections = await Promise.all(Array.from({ length: 4 }, () => Connection.used(gateway)));
    const client = await TestClient.open(gateway.url);
    gateway.drain.announce();
    const calls: Call[] = [
      inSession(client, { id: 1, method: 'work' }),
      initialize,
      new ModernClient(gateway.url).call('tools/list'),
      { method: 'GET', path: '/live' },
    ];
    for (const [index, call] of calls.entries()) {
      const connection = connections[index];
      const answer = await connection?.send(call);
      expect([call, answer?.status, answer?.headers['connection']]).toEqual([call, 200, 'close']);
      expect(connection?.ports.size).toBe(1);
    }
    const stream = await client.listen();
    expect(stream.response.statusCode).toBe(200);
    stream.close();
    expect((await new Connection(gateway).send(initialize)).status).toBe(200);
  });

  it('says so in refusals, too', async () => {
    const gateway = await start();
    gateway.drain.announce();
    expect(await raw(gateway.url, 'GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n')).toMatch(
      /^HTTP\/1.1 404 .*\r\nConnection: close\r\n/is,
    );
  });
});

describe('a gateway that ends', () => {
  it('does what comes on the connections it had', async () => {
    const gateway = await start({ work, 'tools/list': work });
    const connection = await Connection.used(gateway);
    const other = await Connection.used(gateway);
    const client = await TestClient.open(gateway.url);
    gateway.drain.endAll();
    const answer = await connection.send(inSession(client, { id: 1, method: 'work' }));
    expect([answer.json.result, answer.headers['connection'], connection.ports.size]).toEqual([
      { done: true },
      'close',
      1,
    ]);
    expect((await other.send(new ModernClient(gateway.url).call('tools/list'))).json.result).toMatchObject({
      done: true,
    });
  });

  it('opens streams on the connections it had, and ends them at once, each in its way', async () => {
    const gateway = await start();
    const [one, other] = [await Connection.used(gateway), await Connection.used(gateway)];
    const client = await TestClient.open(gateway.url);
    gateway.drain.endAll();
    const headers = { accept: 'text/event-stream', 'mcp-session-id': client.session };
    const get = await one.send({ method: 'GET', headers });
    expect([get.status, get.headers['connection'], get.text]).toEqual([200, 'close', 'retry: 3000\n\n']);
    const listen = await other.send(
      new ModernClient(gateway.url).call('subscriptions/listen', { notifications: {} }, 7),
    );
    expect([listen.status, listen.headers['connection']]).toEqual([200, 'close']);
    expect(listen.text).toMatch(/"id":7,"result":\{"resultType":"complete"/);
    expect([...one.ports, ...other.ports]).toHaveLength(2);
    expect(gateway.stats.streams).toBe(0);
    expect(gateway.proxy.listeners.size + gateway.proxy.subscribers.size).toBe(0);
    const late = await new Connection(gateway).send({ method: 'GET', headers });
    expect([late.status, late.json.error.data.code]).toEqual([503, 'SHUTTING_DOWN']);
  });

  it('refuses new work on new connections in a way that balancers and clients understand', async () => {
    let worked = 0;
    const count = () => result({ worked: ++worked });
    const gateway = await start({ work: count, 'tools/list': count });
    const client = await TestClient.open(gateway.url);
    gateway.drain.endAll();
    for (const call of [
      initialize,
      inSession(client, { id: 1, method: 'work' }),
      new ModernClient(gateway.url).call('tools/list', {}, 1),
    ]) {
      const { status, headers, json } = await new Connection(gateway).send(call);
      expect([status, headers['connection'], Number(headers['retry-after'])]).toEqual([
        503,
        'close',
        expect.any(Number),
      ]);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(json).toMatchObject({ id: 1, error: { data: { code: 'SHUTTING_DOWN' } } });
    }
    expect(worked).toBe(0);
  });

  it('takes what ends running work, on new connections too', async () => {
    const asked = new Gate();
    const gateway = await start({
      ask: async (exchange) => {
        const { answer } = exchange.ask({ method: 'roots/list', server: 's' });
        asked.open();
        return answer;
      },
      hang: () => new Promise(() => {}),
    });
    const client = await TestClient.open(gateway.url, { capabilities: { roots: {} } });
    const stream = await client.stream('ask', undefined, 'asking');
    await asked.opened;
    const { id } = await stream.next();
    const hanging = client.stream('hang', undefined, 'hanging');
    await expect.poll(() => gateway.stats.running).toBe(2);
    gateway.drain.endAll();
    const cancel = inSession(client, { method: 'notifications/cancelled', params: { requestId: 'hanging' } });
    expect((await new Connection(gateway).send(cancel)).status).toBe(202);
    expect((await new Connection(gateway).send(inSession(client, { id, result: { roots: [] } }))).status).toBe(202);
    expect((await new Connection(gateway).send(inSession(client, { id: 7, method: 'ping' }))).status).toBe(200);
    expect((await stream.next()).result).toEqual({ roots: [] });
    (await hanging).close();
    await expect.poll(() => gateway.stats.running).toBe(0);
  });

  it('waits for a request that is just arriving, and closes idle connections meanwhile', async () => {
    const gateway = await start({ work });
    const connection = await Connection.used(gateway);
    const client = await TestClient.open(gateway.url);
    const call = inSession(client, { id: 1, method: 'work' });
    const sending = connection.begin(call);
    const text = JSON.stringify(call.body);
    sending.setHeader('content-length', text.length);
    sending.write(text.slice(0, 10));
    await expect.poll(() => gateway.stats.inFlight).toBe(1);
    gateway.drain.announce();
    gateway.drain.endAll();
    const idle = gateway.drain.idle({ within: 30_000, quiet: 0 });
    expect(await gateway.drain.idle({ within: 0, quiet: 0 })).toBe(false);
    sending.end(text.slice(10));
    expect((await connection.answer(sending)).json.result).toEqual({ done: true });
    expect(await idle).toBe(true);
  });

  it('closes connections that nobody uses, and keeps those whose answer is awaited', async () => {
    const gate = new Gate<Outcome>();
    const gateway = await start({ slow: () => gate.opened });
    const [busy, unused] = [await Connection.used(gateway), await Connection.used(gateway)];
    const client = await TestClient.open(gateway.url);
    const running = busy.send(inSession(client, { id: 1, method: 'slow' }));
    await expect.poll(() => gateway.stats.running).toBe(1);
    gateway.drain.endAll();
    expect(await gateway.drain.idle({ within: 60, quiet: 0 })).toBe(false);
    gate.open(result({ done: true }));
    expect((await running).json.result).toEqual({ done: true });
    expect(await gateway.drain.idle({ within: 30_000, quiet: 0 })).toBe(true);
    await unused.send({ method: 'GET', path: '/live' });
    expect(unused.ports.size).toBe(2);
  });
});

describe('a gateway that is being closed', () => {
  it('refuses work in its own words on connections it had, too', async () => {
    const gateway = await start({ work });
    const client = await TestClient.open(gateway.url);
    const connection = await Connection.used(gateway);
    gateway.drain.refuseAll();
    const refused = await connection.send(inSession(client, { id: 2, method: 'work' }));
    expect([refused.status, refused.json.error.data.code]).toEqual([503, 'SHUTTING_DOWN']);
    expect(connection.ports.size).toBe(1);
  });
});

describe('what is left of a gateway that has closed', () => {
  it('is cut: connections whose stream stands still open, and those that wait for a request', async () => {
    const gateway = await start();
    const client = await TestClient.open(gateway.url);
    const stream = await client.listen();
    await Connection.used(gateway);
    gateway.drain.cut();
    expect(await stream.rest()).toEqual([]);
    await expect.poll(() => gateway.app.get(Connections, { strict: false }).open).toBe(0);
  });
});

describe('a connection that is kept', () => {
  it('is given up by clients before the gateway would close it', async () => {
    const gateway = await start();
    const { headers } = await new Connection(gateway).send({ method: 'GET', path: '/live' });
    expect(headers['keep-alive']).toMatch(/^timeout=5\b/);
    const { keepAliveTimeout, keepAliveTimeoutBuffer } = gateway.app.getHttpServer();
    expect(keepAliveTimeout + keepAliveTimeoutBuffer).toBe(gateway.server.current.limits.keep_alive);
  });
});
