import { describe, expect, it } from 'vitest';
import type { Exchange, Outcome } from '#libs/kernel';
import { TestClient } from './testing/client.js';
import { type FakeHandler, progress, result } from './testing/fake-proxy.js';
import { Gate } from './testing/gate.js';
import { gateways } from './testing/gateways.js';

const start = gateways();

describe('an answer that becomes a stream', () => {
  const count: FakeHandler = (exchange) => {
    for (let value = 1; value <= 5; value++) progress(exchange, value);
    return result({ done: true });
  };

  it('delivers notifications in order and the response last, then ends', async () => {
    const { url } = await start({ count });
    const client = await TestClient.open(url);
    const stream = await client.stream('count', undefined, 'c');
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    expect(stream.response.headers['x-request-id']).toBeTruthy();
    const messages = await stream.rest();
    expect(messages.slice(0, 5).map((message) => message.params.progress)).toEqual([1, 2, 3, 4, 5]);
    expect(messages.slice(5)).toEqual([{ jsonrpc: '2.0', id: 'c', result: { done: true } }]);
    expect(stream.response.complete).toBe(true);
  });

  it('flushes each message at once', async () => {
    const gate = new Gate<Outcome>();
    const { url } = await start({
      slow: (exchange) => {
        progress(exchange, 1);
        return gate.opened;
      },
    });
    const stream = await (await TestClient.open(url)).stream('slow');
    expect((await stream.next()).params.progress).toBe(1);
    gate.open(result({}));
    expect((await stream.next()).result).toEqual({});
  });

  it('stays JSON for a client that reads no streams, without the notifications', async () => {
    const { url } = await start({ count });
    const client = await TestClient.open(url, { headers: { accept: 'application/json' } });
    const answer = await client.request('count', undefined, 'c');
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.json).toEqual({ jsonrpc: '2.0', id: 'c', result: { done: true } });
  });

  it('carries errors once it is open', async () => {
    const { url } = await start({
      broken: (exchange) => {
        progress(exchange, 1);
        throw new Error('inside');
      },
    });
    const [, error] = await (await (await TestClient.open(url)).stream('broken', undefined, 9)).rest();
    expect(error).toMatchObject({ id: 9, error: { code: -32603, data: { code: 'INTERNAL' } } });
    expect(JSON.stringify(error)).not.toContain('inside');
  });

  it('drops what comes after the response', async () => {
    let late: Exchange | undefined;
    const { url } = await start({
      quick: (exchange) => {
        late = exchange;
        return result({});
      },
    });
    const client = await TestClient.open(url);
    await client.request('quick');
    if (late) progress(late, 1);
    expect((await client.request('quick')).status).toBe(200);
    await expect(late?.ask({ method: 'roots/list', server: 's' }).answer).rejects.toMatchObject({
      code: 'ASK_UNDELIVERED',
    });
  });

  it('drops notifications a client does not read, never the response', async () => {
    const filler = Buffer.from(JSON.stringify({ progressToken: 1, progress: 1, message: 'x'.repeat(64 * 1024) }));
    const sent = 2_000;
    const done = new Gate();
    const { url } = await start({
      flood: (exchange) => {
        for (let index = 0; index < sent; index++)
          exchange.notify({ method: 'notifications/progress', params: filler });
        done.open();
        return result({ done: true });
      },
    });
    const stream = await (await TestClient.open(url)).stream('flood');
    stream.response.pause();
    await done.opened;
    stream.response.resume();
    const messages = await stream.rest();
    expect(messages.length).toBeLessThan(sent / 4);
    expect(messages.at(-1).result).toEqual({ done: true });
  });
});

describe('a client that goes away', () => {
  it('does not cancel its request; the result is dropped', async () => {
    const gate = new Gate<Outcome>();
    let exchange: Exchange | undefined;
    const gateway = await start({
      slow: (it) => {
        exchange = it;
        progress(it, 1);
        return gate.opened;
      },
    });
    const client = await TestClient.open(gateway.url);
    const stream = await client.stream('slow', undefined, 1);
    await stream.next();
    stream.close();
    await expect.poll(() => gateway.stats.inFlight).toBe(0);
    expect(exchange?.aborted).toBe(false);
    expect(gateway.stats.running).toBe(1);
    // Another connection of the session can still cancel it.
    await client.notify('notifications/cancelled', { requestId: 1 });
    expect(exchange?.aborted).toBe(true);
    expect(gateway.stats.running).toBe(0);
    gate.open(result({}));
  });
});

describe('cancellation', () => {
  const hang = (seen: Exchange[]): FakeHandler => {
    return (exchange) => {
      seen.push(exchange);
      return new Promise((_resolve, reject) => void exchange.onAbort(reject));
    };
  };

  it('ends a waiting request without a response', async () => {
    const seen: Exchange[] = [];
    const gateway = await start({ hang: hang(seen) });
    const client = await TestClient.open(gateway.url);
    const pending = client.request('hang', undefined, 'h');
    await expect.poll(() => seen.length).toBe(1);
    expect((await client.notify('notifications/cancelled', { requestId: 'h' })).status).toBe(202);
    const answer = await pending;
    expect(answer.status).toBe(202);
    expect(answer.text).toBe('');
    expect(gateway.stats.running).toBe(0);
  });

  it('ends a stream without a response', async () => {
    const seen: Exchange[] = [];
    const { url } = await start({
      hang: (exchange, request) => {
        progress(exchange, 1);
        return hang(seen)(exchange, request);
      },
    });
    const client = await TestClient.open(url);
    const stream = await client.stream('hang', undefined, 5);
    await stream.next();
    await client.notify('notifications/cancelled', { requestId: 5 });
    expect(await stream.rest()).toEqual([]);
    expect(stream.response.complete).toBe(true);
  });

  it('reaches only requests of the same session and spelling of the id', async () => {
    const seen: Exchange[] = [];
    const { url } = await start({ hang: hang(seen) });
    const [ann, bob] = [await TestClient.open(url), await TestClient.open(url)];
    const pending = ann.request('hang', undefined, 1);
    await expect.poll(() => seen.length).toBe(1);
    await bob.notify('notifications/cancelled', { requestId: 1 });
    await ann.notify('notifications/cancelled', { requestId: '1' });
    await ann.notify('notifications/cancelled', { requestId: 2 });
    await ann.notify('notifications/cancelled', {});
    await ann.notify('notifications/cancelled');
    expect(seen[0]?.aborted).toBe(false);
    await ann.notify('notifications/cancelled', { requestId: 1 });
    await pending;
  });
});
