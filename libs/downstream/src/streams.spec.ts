import { describe, expect, it } from 'vitest';
import type { Outcome } from '#libs/kernel';
import { TestClient } from './testing/client.js';
import { result } from './testing/fake-proxy.js';
import { Gate } from './testing/gate.js';
import type { TestGateway } from './testing/gateway.js';
import { gateways } from './testing/gateways.js';

const start = gateways();

describe('standalone streams', () => {
  const change = { method: 'notifications/tools/list_changed' };
  const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
  const announce = (gateway: TestGateway) => {
    for (const channel of gateway.proxy.subscribers.values()) channel.deliver(change);
  };

  it('carry what belongs to no request, the newest of several and only that one', async () => {
    const gateway = await start();
    const client = await TestClient.open(gateway.url);
    const first = await client.listen();
    expect(first.response.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    announce(gateway);
    expect(await first.next()).toEqual(changed);
    const second = await client.listen();
    announce(gateway);
    expect(await second.next()).toEqual(changed);
    second.close();
    await expect.poll(() => gateway.stats.streams).toBe(1);
    announce(gateway);
    expect(await first.next()).toEqual(changed);
    first.close();
    await expect.poll(() => gateway.proxy.subscribers.size).toBe(0);
  });

  it('carry questions that belong to the session, and take no answer once they are closed', async () => {
    const gateway = await start();
    const client = await TestClient.open(gateway.url);
    const stream = await client.listen();
    const [channel] = gateway.proxy.subscribers.values();
    const answered = channel?.ask({ method: 'roots/list', server: 's' });
    const question = await stream.next();
    expect(question).toMatchObject({ method: 'roots/list', id: expect.stringMatching(/^gw-/) });
    await client.respond(String(question.id), { roots: [] });
    expect(await answered?.answer).toMatchObject({ kind: 'result', result: Buffer.from('{"roots":[]}') });

    const lost = channel?.ask({ method: 'roots/list', server: 's' });
    await stream.next();
    stream.close();
    await expect(lost?.answer).rejects.toMatchObject({ code: 'ASK_UNDELIVERED' });
  });

  it('are kept apart by session', async () => {
    const gateway = await start();
    const [ann, bob] = [await TestClient.open(gateway.url), await TestClient.open(gateway.url)];
    const streams = [await ann.listen(), await bob.listen()];
    expect(gateway.proxy.subscribers.size).toBe(2);
    const [channel] = gateway.proxy.subscribers.values();
    channel?.deliver(change);
    expect(await streams[0]?.next()).toEqual(changed);
    await gateway.app.close();
    expect(await streams[1]?.rest()).toEqual([]);
  });

  it('need Accept: text/event-stream', async () => {
    const { url } = await start();
    const client = await TestClient.open(url);
    for (const accept of ['application/json', '*/*', undefined]) {
      const answer = await client.send({ method: 'GET', headers: { accept } });
      expect(answer.status).toBe(406);
      expect(answer.json.error.message).toContain('text/event-stream');
    }
  });

  it('are closed when their client reads nothing for too long', async () => {
    const gateway = await start();
    const client = await TestClient.open(gateway.url);
    const stream = await client.listen();
    stream.response.pause();
    const params = Buffer.from(JSON.stringify({ uri: 'x'.repeat(1024 * 1024) }));
    const [channel] = gateway.proxy.subscribers.values();
    for (let index = 0; index < 64 && gateway.stats.streams > 0; index++) {
      channel?.deliver({ method: 'notifications/resources/updated', params });
      await new Promise(setImmediate);
    }
    await expect.poll(() => gateway.stats.streams).toBe(0);
    stream.close();
  });
});

describe('shutting down', () => {
  it('ends standalone streams, lets running requests finish, and takes no new streams', async () => {
    const gate = new Gate<Outcome>();
    const gateway = await start({ slow: () => gate.opened });
    const client = await TestClient.open(gateway.url);
    const stream = await client.listen();
    const running = client.request('slow', undefined, 1);
    await expect.poll(() => gateway.stats.running).toBe(1);
    gateway.drain.endAll();
    expect(await stream.rest()).toEqual([]);
    expect(stream.response.complete).toBe(true);
    await expect(client.listen()).rejects.toThrow('503');
    expect(await gateway.drain.idle({ within: 0, quiet: 0 })).toBe(false);
    const idle = gateway.drain.idle({ within: 10_000, quiet: 0 });
    gate.open(result({ done: true }));
    expect((await running).json.result).toEqual({ done: true });
    expect(await idle).toBe(true);
    const last = await client.request('ping');
    expect(last.headers['connection']).toBe('close');
  });

  it('tells clients of requests that would not finish', async () => {
    const gateway = await start({ hang: () => new Promise(() => {}) });
    const client = await TestClient.open(gateway.url);
    const running = client.request('hang', undefined, 1);
    await expect.poll(() => gateway.stats.running).toBe(1);
    gateway.drain.abortAll();
    const answer = await running;
    expect(answer.status).toBe(503);
    expect(answer.json).toMatchObject({ id: 1, error: { data: { code: 'SHUTTING_DOWN' } } });
    expect(await gateway.drain.idle({ within: 0, quiet: 0 })).toBe(true);
  });
});
