import { describe, expect, it } from 'vitest';
import { GatewayError } from '#libs/kernel';
import type { ListenWish } from '#libs/proxy';
import { Gate } from '../testing/gate.js';
import type { TestGateway } from '../testing/gateway.js';
import { gateways } from '../testing/gateways.js';
import { as, HeaderUsers } from '../testing/header-users.js';
import { ModernClient } from '../testing/modern-client.js';

const start = gateways();
const ID = 'io.modelcontextprotocol/subscriptionId';
const TOOLS = { method: 'notifications/tools/list_changed' };

const listen = (gateway: TestGateway, notifications: object, id: string | number = 'sub', headers = {}) =>
  new ModernClient(gateway.url, { headers }).stream('subscriptions/listen', { notifications }, id);

const updated = (uri: string) => ({
  method: 'notifications/resources/updated',
  params: Buffer.from(JSON.stringify({ uri, _meta: { own: 1 } })),
});

function announce(gateway: TestGateway, notification: { method: string; params?: Buffer }) {
  for (const listener of gateway.proxy.listeners) listener.deliver(notification);
}

describe('subscriptions/listen', () => {
  it('acknowledges first, then tells what was honoured and nothing else, each under its id', async () => {
    const gateway = await start();
    gateway.proxy.honour = async (wish) => ({ ...wish, promptsListChanged: false, resourceSubscriptions: ['a:x'] });
    const wish = { toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: ['a:x', 'a:y', 'a:x'] };
    const stream = await listen(gateway, wish, 7);
    expect(stream.response.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    expect(await stream.next()).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { toolsListChanged: true, resourceSubscriptions: ['a:x'] }, _meta: { [ID]: 7 } },
    });
    for (const method of ['prompts/list_changed', 'resources/list_changed', 'message', 'progress']) {
      announce(gateway, { method: `notifications/${method}` });
    }
    announce(gateway, updated('a:y'));
    announce(gateway, updated('a:x'));
    announce(gateway, TOOLS);
    expect((await stream.next()).params).toEqual({ uri: 'a:x', _meta: { own: 1, [ID]: 7 } });
    expect(await stream.next()).toEqual({ jsonrpc: '2.0', ...TOOLS, params: { _meta: { [ID]: 7 } } });
    stream.close();
    await expect.poll(() => gateway.proxy.listeners.size).toBe(0);
    expect(gateway.stats.streams).toBe(0);
  });

  it('holds back what happens before the acknowledgement, and tells it once', async () => {
    const gateway = await start();
    const gate = new Gate<ListenWish>();
    gateway.proxy.honour = () => gate.opened;
    const stream = await listen(gateway, { toolsListChanged: true });
    for (let time = 0; time < 3; time++) announce(gateway, TOOLS);
    const [listener] = gateway.proxy.listeners;
    if (listener) gate.open(listener.wish);
    expect((await stream.next()).method).toBe('notifications/subscriptions/acknowledged');
    expect((await stream.next()).method).toBe(TOOLS.method);
    gateway.drain.endAll();
    expect(await stream.rest()).toHaveLength(1);
  });

  it('ends with an empty complete result at a shutdown, and no new one begins', async () => {
    const gateway = await start();
    const stream = await listen(gateway, { toolsListChanged: true }, 'end');
    await stream.next();
    gateway.drain.endAll();
    const [last, ...none] = await stream.rest();
    expect(none).toEqual([]);
    expect(last).toMatchObject({ id: 'end', result: { resultType: 'complete', _meta: { [ID]: 'end' } } });
    expect(stream.response.complete).toBe(true);
    expect(gateway.proxy.listeners.size).toBe(0);
    const answer = await new ModernClient(gateway.url).request('subscriptions/listen', { notifications: {} });
    expect([answer.status, answer.json.error.data.code]).toEqual([503, 'SHUTTING_DOWN']);
  });

  it('ends when its server is removed, and not when another one is', async () => {
    const gateway = await start();
    const open = (path: string) =>
      new ModernClient(gateway.url, { path }).stream('subscriptions/listen', { notifications: {} });
    const [files, clock] = [await open('/mcp/files'), await open('/mcp/clock')];
    await Promise.all([files.next(), clock.next()]);
    gateway.proxy.endpoints.delete('files');
    gateway.proxyConfig.replace({ ...gateway.proxyConfig.current });
    expect(await files.rest()).toMatchObject([{ result: { resultType: 'complete' } }]);
    expect(gateway.stats.streams).toBe(1);
    clock.close();
  });

  it('is bounded per caller, in band', async () => {
    const gateway = await start(
      {},
      {
        providers: [new HeaderUsers()],
        server: (config) => {
          config.limits.streams_per_principal = 1;
        },
      },
    );
    const stream = await listen(gateway, {}, 1, as('ann'));
    const over = await new ModernClient(gateway.url, { headers: as('ann') }).request('subscriptions/listen', {
      notifications: {},
    });
    expect(over.status).toBe(200);
    expect(over.json.error).toMatchObject({ code: -32603, data: { code: 'LISTEN_LIMIT' } });
    const other = await listen(gateway, {}, 1, as('bob'));
    stream.close();
    other.close();
    await expect.poll(() => gateway.stats.streams).toBe(0);
    (await listen(gateway, {}, 2, as('ann'))).close();
    await expect.poll(() => gateway.proxy.listeners.size).toBe(0);
  });

  it('gives its place back when it cannot be opened', async () => {
    const gateway = await start();
    gateway.proxy.honour = () => {
      throw new GatewayError('METHOD_NOT_FOUND', 'no');
    };
    const client = new ModernClient(gateway.url);
    for (let time = 0; time < 12; time++) {
      const { json } = await client.request('subscriptions/listen', { notifications: {} });
      expect(json.error.code).toBe(-32601);
    }
    gateway.proxy.honour = () => Promise.reject(new GatewayError('UPSTREAM_BUSY', 'no'));
    const stream = await listen(gateway, {}, 'bad');
    expect(await stream.rest()).toMatchObject([{ id: 'bad', error: { data: { code: 'UPSTREAM_BUSY' } } }]);
    expect(gateway.stats.streams).toBe(0);
  });

  it.each([
    undefined,
    [],
    { toolsListChanged: 'yes' },
    { resourceSubscriptions: 'a:x' },
    { resourceSubscriptions: [1] },
  ])('refuses %j as wish', async (notifications) => {
    const gateway = await start();
    const { json } = await new ModernClient(gateway.url).request('subscriptions/listen', { notifications });
    expect(json.error).toMatchObject({ code: -32602, data: { code: 'INVALID_PARAMS' } });
  });

  it('needs a client that reads streams', async () => {
    const gateway = await start();
    const client = new ModernClient(gateway.url, { headers: { accept: 'application/json' } });
    expect((await client.request('subscriptions/listen', { notifications: {} })).status).toBe(406);
  });

  it('is closed when its client reads nothing for too long', async () => {
    const gateway = await start();
    const uri = 'x'.repeat(1024 * 1024);
    const stream = await listen(gateway, { resourceSubscriptions: [uri] });
    stream.response.pause();
    for (let index = 0; index < 64 && gateway.stats.streams > 0; index++) {
      announce(gateway, updated(uri));
      await new Promise(setImmediate);
    }
    await expect.poll(() => gateway.stats.streams).toBe(0);
    stream.close();
  });
});
