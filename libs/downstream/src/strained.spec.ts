import { describe, expect, it } from 'vitest';
import type { LimitsConfig, ServerConfig } from '#libs/config';
import { TestClient } from './testing/client.js';
import { progress, result } from './testing/fake-proxy.js';
import { Gate } from './testing/gate.js';
import type { TestGateway } from './testing/gateway.js';
import { gateways } from './testing/gateways.js';
import { as, HeaderUsers } from './testing/header-users.js';
import { type Answer, send } from './testing/http.js';
import { ModernClient } from './testing/modern-client.js';

const start = gateways();

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

/** A gateway that knows its callers. */
function limited(limits: Partial<LimitsConfig>, { trusted = [] as string[] } = {}): Promise<TestGateway> {
  const server = (config: ServerConfig) => {
    config.trusted_proxies = trusted;
    Object.assign(config.limits, limits);
  };
  return start({}, { providers: [new HeaderUsers()], server });
}

/** A call that runs until its gate opens. */
async function busy(gateway: TestGateway, client: TestClient): Promise<{ gate: Gate; answer: Promise<Answer> }> {
  const gate = new Gate();
  gateway.proxy.handlers.set('tools/call', async () => {
    await gate.opened;
    return result({ content: [] });
  });
  const before = gateway.stats.running;
  const answer = client.request('tools/call', { name: 't' });
  await expect.poll(() => gateway.stats.running).toBe(before + 1);
  return { gate, answer };
}

describe('strangers who keep trying', () => {
  const behindProxy = (address: string) => ({ 'x-forwarded-for': address });
  const guarded = (limits: Partial<LimitsConfig> = {}) => limited(limits, { trusted: ['127.0.0.1'] });
  const attack = (gateway: TestGateway, headers: Record<string, string> = {}) =>
    send(gateway.url, {
      body: LIST,
      headers: { authorization: 'Bearer guess', ...behindProxy('203.0.113.9'), ...headers },
    });

  it('are answered 429 with Retry-After instead of being looked at, after ten refused credentials', async () => {
    const gateway = await guarded();
    for (let i = 0; i < 10; i++) expect((await attack(gateway)).status).toBe(401);
    const answer = await attack(gateway);
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toMatch(/^(59|60)$/);
    expect(answer.json.error).toMatchObject({
      code: -32603,
      data: { code: 'RATE_LIMITED', key: 'server.limits.auth_failures_per_minute' },
    });
    expect(answer.json.error.message).toContain('network address');
  });

  it('T161: guess no more than ten of a thousand keys', async () => {
    const gateway = await guarded();
    let judged = 0;
    for (let i = 0; i < 1_000; i++) {
      const { status } = await attack(gateway, { authorization: `Bearer ${i}` });
      if (status === 401) judged++;
      else expect(status).toBe(429);
    }
    expect(judged).toBe(10);
  });

  it('do not keep out other addresses, nor a neighbour who was let in before', async () => {
    const gateway = await guarded();
    const ann = await TestClient.open(gateway.url, { headers: { ...as('ann'), ...behindProxy('203.0.113.9') } });
    for (let i = 0; i < 11; i++) await attack(gateway);
    gateway.proxy.handlers.set('tools/list', () => result({ tools: [] }));
    expect((await ann.request('tools/list')).status).toBe(200);
    await TestClient.open(gateway.url, { headers: { ...as('bob'), ...behindProxy('203.0.113.10') } });
    expect((await attack(gateway, as('carol'))).status).toBe(429);
  });

  it('are held back without any credentials too, while public routes stay open to them', async () => {
    const gateway = await guarded({ unauthenticated_per_second: 3 });
    const knock = () => send(gateway.url, { body: LIST, headers: behindProxy('203.0.113.9') });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await knock()).status);
    expect(statuses).toEqual([401, 401, 401, 429]);
    expect((await send(gateway.url, { path: '/live', headers: behindProxy('203.0.113.9') })).status).toBe(200);
  });

  it('are never held back on this machine itself', async () => {
    const gateway = await limited({});
    for (let i = 0; i < 60; i++) {
      expect((await send(gateway.url, { body: LIST, headers: { authorization: 'Bearer guess' } })).status).toBe(401);
    }
  });
});

describe('more work than the process takes', () => {
  const narrow = () => start({}, { server: (config) => void Object.assign(config.limits, { requests_in_flight: 2 }) });

  it('is refused with 503 and Retry-After in both eras, and taken again once something has ended', async () => {
    const gateway = await narrow();
    const client = await TestClient.open(gateway.url);
    const first = await busy(gateway, client);
    const second = await busy(gateway, client);
    const handled = gateway.proxy.handled.length;

    const legacy = await client.request('tools/call', { name: 't' }, 'mine');
    const modern = await new ModernClient(gateway.url).tool({}, 'mine');
    for (const answer of [legacy, modern]) {
      expect(answer.status).toBe(503);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(answer.json.error).toMatchObject({
        code: -32603,
        data: { code: 'OVERLOADED', key: 'server.limits.requests_in_flight' },
      });
    }
    expect(legacy.json.id).toBe('mine');
    expect(gateway.proxy.handled).toHaveLength(handled);

    first.gate.open();
    second.gate.open();
    expect([(await first.answer).status, (await second.answer).status]).toEqual([200, 200]);
    gateway.proxy.handlers.set('tools/call', () => result({ content: [] }));
    expect((await client.request('tools/call', { name: 't' })).status).toBe(200);
    expect((await new ModernClient(gateway.url).tool()).status).toBe(200);
  });

  it('keeps no one from ending what is begun: answers, cancellations, pings, DELETE', async () => {
    const gateway = await start(
      {},
      { server: (config) => void Object.assign(config.limits, { requests_in_flight: 2 }) },
    );
    const client = await TestClient.open(gateway.url, { capabilities: { roots: {} } });
    gateway.proxy.handlers.set('tools/call', async (exchange) => {
      progress(exchange, 1);
      await exchange.ask({ method: 'roots/list', server: 's' }).answer;
      return result({ content: [] });
    });
    const [one, two] = [
      await client.stream('tools/call', { name: 't' }, 1),
      await client.stream('tools/call', { name: 't' }, 2),
    ];
    const question = async (stream: typeof one) => {
      await stream.next();
      return String((await stream.next()).id);
    };
    const [asked] = [await question(one), await question(two)];
    expect((await client.request('tools/list')).status).toBe(503);
    expect((await client.respond(asked, { roots: [] })).status).toBe(202);
    expect(await one.next()).toMatchObject({ id: 1, result: { content: [] } });
    const three = await client.stream('tools/call', { name: 't' }, 3);
    await question(three);
    expect((await client.request('ping')).json).toMatchObject({ result: {} });
    expect((await client.notify('notifications/cancelled', { requestId: 2 })).status).toBe(202);
    await two.rest();
    expect((await client.send({ method: 'DELETE' })).status).toBe(204);
  });

  it('opens no streams and no sessions, and leaves probes alone', async () => {
    const gateway = await narrow();
    const client = await TestClient.open(gateway.url);
    const running = [await busy(gateway, client), await busy(gateway, client)];
    await expect(client.listen()).rejects.toThrow('503');
    await expect(TestClient.open(gateway.url)).rejects.toThrow('503');
    expect((await send(gateway.url, { path: '/live' })).status).toBe(200);
    for (const { gate } of running) gate.open();
    await Promise.all(running.map(({ answer }) => answer));
    (await client.listen()).close();
  });
});

describe('streams', () => {
  it('are bounded for the whole process, whoever opens them', async () => {
    const gateway = await limited({ streams: 2 });
    const [ann, bob] = [
      await TestClient.open(gateway.url, { headers: as('ann') }),
      await TestClient.open(gateway.url, { headers: as('bob') }),
    ];
    const [one, two] = [await ann.listen(), await bob.listen()];
    const refused = await bob.send({ method: 'GET', headers: { accept: 'text/event-stream' } });
    expect(refused.status).toBe(429);
    expect(refused.json.error.data).toMatchObject({ code: 'STREAM_LIMIT', key: 'server.limits.streams', limit: 2 });
    one.close();
    await expect.poll(() => gateway.stats.streams).toBe(1);
    (await bob.listen()).close();
    two.close();
  });
});
