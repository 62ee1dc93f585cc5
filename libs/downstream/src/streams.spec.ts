import { afterEach, describe, expect, it } from 'vitest';
import type { Exchange, Outcome } from '#libs/kernel';
import { TestClient } from './testing/client.js';
import { type FakeHandler, result } from './testing/fake-proxy.js';
import { Gate } from './testing/gate.js';
import { TestGateway, type TestGatewayOptions } from './testing/gateway.js';

const open: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

async function start(handlers: Record<string, FakeHandler> = {}, options?: TestGatewayOptions): Promise<TestGateway> {
  const gateway = await TestGateway.start(options);
  for (const [method, handler] of Object.entries(handlers)) gateway.proxy.handlers.set(method, handler);
  open.push(gateway);
  return gateway;
}

const progress = (exchange: Exchange, value: number) =>
  exchange.notify({
    method: 'notifications/progress',
    params: Buffer.from(JSON.stringify({ progressToken: 1, progress: value })),
  });

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
    await expect.poll(() => gateway.app.getHttpServer().listening && gateway.drain.idle(0)).toBe(true);
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

describe('questions to the client', () => {
  const ask: FakeHandler = async (exchange) => {
    const params = Buffer.from('{"message":"Who?","big":9007199254740993}');
    const answer = await exchange.ask({ method: 'elicitation/create', params, server: 's' }).answer;
    return answer.kind === 'result' ? { kind: 'result', result: answer.result } : { ...answer };
  };

  it('travel on the stream of their request and come back raw', async () => {
    const { url } = await start({ ask });
    const client = await TestClient.open(url);
    const stream = await client.stream('ask', undefined, 1);
    const question = await stream.next();
    expect(question).toMatchObject({ method: 'elicitation/create', params: { message: 'Who?' } });
    expect(question.id).toMatch(/^gw-/);
    const body = `{"jsonrpc":"2.0","id":"${question.id}","result":{"n":9007199254740993,"x":1.0}}`;
    const accepted = await client.send({ body });
    expect(accepted.status).toBe(202);
    expect(accepted.text).toBe('');
    expect((await stream.next()).result).toEqual({ n: 9007199254740992, x: 1 });
  });

  it('hand on an error of the client', async () => {
    const { url } = await start({ ask });
    const client = await TestClient.open(url);
    const stream = await client.stream('ask', undefined, 1);
    const { id } = await stream.next();
    await client.send({ body: { jsonrpc: '2.0', id, error: { code: -1, message: 'User rejected', data: { a: 1 } } } });
    expect((await stream.next()).error).toEqual({ code: -1, message: 'User rejected', data: { a: 1 } });
  });

  it('take no answer from another session, nor one nobody waits for', async () => {
    const { url } = await start({ ask });
    const [ann, bob] = [await TestClient.open(url), await TestClient.open(url)];
    const stream = await ann.stream('ask');
    const { id } = await stream.next();
    expect((await bob.respond(id, { from: 'bob' })).status).toBe(202);
    expect((await ann.respond('gw-unknown', {})).status).toBe(202);
    await ann.respond(id, { from: 'ann' });
    expect((await ann.respond(id, { from: 'ann again' })).status).toBe(202);
    expect((await stream.next()).result).toEqual({ from: 'ann' });
  });

  it('can run several at once on one request', async () => {
    const { url } = await start({
      many: async (exchange) => {
        const asks = [1, 2, 3].map((n) =>
          exchange.ask({ method: 'roots/list', params: Buffer.from(`{"n":${n}}`), server: 's' }),
        );
        const answers = await Promise.all(asks.map((it) => it.answer));
        return result(answers.map((it) => it.kind === 'result' && JSON.parse(it.result.toString())));
      },
    });
    const client = await TestClient.open(url);
    const stream = await client.stream('many');
    const questions = [await stream.next(), await stream.next(), await stream.next()];
    for (const { id, params } of questions.reverse()) await client.respond(id, { n: params.n });
    expect((await stream.next()).result).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  it('time out, and the client is told', async () => {
    const { url } = await start({ ask }, { server: (config) => Object.assign(config.limits, { ask: 50 }) });
    const stream = await (await TestClient.open(url)).stream('ask', undefined, 1);
    const [question, cancelled, error] = await stream.rest();
    expect(cancelled).toMatchObject({ method: 'notifications/cancelled', params: { requestId: question.id } });
    expect(error).toMatchObject({ id: 1, error: { data: { code: 'ASK_TIMEOUT', server: 's' } } });
  });

  it('can be withdrawn, and the client is told', async () => {
    const { url } = await start({
      withdraw: async (exchange) => {
        const pending = exchange.ask({ method: 'sampling/createMessage', server: 's' });
        pending.withdraw('the server changed its mind');
        const settled = await pending.answer.catch((error) => error.code);
        return result({ settled });
      },
    });
    const [question, cancelled, response] = await (await (await TestClient.open(url)).stream('withdraw')).rest();
    expect(cancelled.params).toEqual({ requestId: question.id, reason: 'the server changed its mind' });
    expect(response.result).toEqual({ settled: 'CANCELLED' });
  });

  it('are withdrawn when their request is answered without them or cancelled', async () => {
    const { url } = await start({
      forget: (exchange) => {
        void exchange.ask({ method: 'roots/list', server: 's' });
        return result({});
      },
      ask,
    });
    const client = await TestClient.open(url);
    const [question, cancelled, response] = await (await client.stream('forget')).rest();
    expect(cancelled).toMatchObject({ method: 'notifications/cancelled', params: { requestId: question.id } });
    expect(response.result).toEqual({});

    const stream = await client.stream('ask', undefined, 'a');
    const { id } = await stream.next();
    await client.notify('notifications/cancelled', { requestId: 'a' });
    expect(await stream.rest()).toMatchObject([{ method: 'notifications/cancelled', params: { requestId: id } }]);
  });

  it('fail at once where they cannot be delivered', async () => {
    const codes: string[] = [];
    const gateway = await start({
      ask: async (exchange) => {
        const settled = await exchange.ask({ method: 'roots/list', server: 's' }).answer.catch((error) => error.code);
        codes.push(settled);
        return result({});
      },
    });
    const deaf = await TestClient.open(gateway.url, { headers: { accept: 'application/json' } });
    await deaf.request('ask');
    expect(codes).toEqual(['ASK_UNDELIVERED']);
    const stream = await (await TestClient.open(gateway.url)).stream('ask');
    await stream.next();
    stream.close();
    await expect.poll(() => codes).toEqual(['ASK_UNDELIVERED', 'ASK_UNDELIVERED']);
  });
});

describe('batches', () => {
  const handlers: Record<string, FakeHandler> = {
    echo: (_exchange, request) => ({ kind: 'result', result: request.params?.raw() ?? Buffer.from('{}') }),
    count: (exchange) => {
      progress(exchange, 1);
      return result({ counted: true });
    },
    hang: (exchange) => new Promise((_resolve, reject) => void exchange.onAbort(reject)),
  };
  const echo = (id: number) => ({ jsonrpc: '2.0', id, method: 'echo', params: { id } });
  const old = { version: '2025-03-26' };

  it('are answered with one array in a session of 2025-03-26', async () => {
    const gateway = await start(handlers);
    const client = await TestClient.open(gateway.url, old);
    const answer = await client.send({
      body: [
        echo(1),
        { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
        { jsonrpc: '2.0', id: 'p', method: 'ping' },
        { jsonrpc: '2.0', id: 2, method: 'no/such' },
        { jsonrpc: '1.0', id: 3, method: 'echo' },
        { jsonrpc: '2.0', id: 4, method: 'initialize', params: { protocolVersion: '2025-03-26' } },
        echo(1),
        { jsonrpc: '2.0', id: 'gw-unknown', result: {} },
      ],
    });
    expect(answer.status).toBe(200);
    const byCode = (id: unknown, code: number) =>
      expect.objectContaining({ id, error: expect.objectContaining({ code }) });
    expect(answer.json).toHaveLength(6);
    expect(answer.json).toEqual(
      expect.arrayContaining([
        { jsonrpc: '2.0', id: 1, result: { id: 1 } },
        { jsonrpc: '2.0', id: 'p', result: {} },
        byCode(2, -32601),
        byCode(3, -32600),
        byCode(4, -32600),
        byCode(1, -32600),
      ]),
    );
    expect(gateway.proxy.notifications).toHaveLength(1);
  });

  it('become a stream of single messages when something has to travel earlier', async () => {
    const { url } = await start(handlers);
    const client = await TestClient.open(url, old);
    const answer = await client.send({ body: [echo(1), { jsonrpc: '2.0', id: 2, method: 'count' }, echo(3)] });
    expect(answer.headers['content-type']).toBe('text/event-stream');
    const events = answer.text.split('\n\n').flatMap((event) => event.match(/^data: (.*)$/m)?.[1] ?? []);
    const messages = events.map((event) => JSON.parse(event));
    expect(
      messages
        .filter((message) => 'result' in message)
        .map(({ id }) => id)
        .sort(),
    ).toEqual([1, 2, 3]);
    expect(messages.some((message) => message.method === 'notifications/progress')).toBe(true);
  });

  it('leave out what was cancelled, and answer 202 when nothing is left', async () => {
    const gateway = await start(handlers);
    const client = await TestClient.open(gateway.url, old);
    const hang = { jsonrpc: '2.0', id: 7, method: 'hang' };
    for (const [batch, status] of [
      [[hang, echo(1)], 200],
      [[hang], 202],
    ] as const) {
      const pending = client.send({ body: batch });
      await expect.poll(() => gateway.stats.running).toBe(1);
      await client.notify('notifications/cancelled', { requestId: 7 });
      const answer = await pending;
      expect(answer.status).toBe(status);
      if (status === 200) expect(answer.json).toEqual([{ jsonrpc: '2.0', id: 1, result: { id: 1 } }]);
    }
    const silent = await client.send({ body: [{ jsonrpc: '2.0', method: 'notifications/initialized' }] });
    expect(silent.status).toBe(202);
  });

  it('are refused in every other session, and without one', async () => {
    const gateway = await start(handlers);
    for (const version of ['2025-11-25', '2025-06-18', '2024-11-05']) {
      const answer = await (await TestClient.open(gateway.url, { version })).send({ body: [echo(1)] });
      expect(answer.status).toBe(400);
      expect(answer.json.error).toMatchObject({ code: -32600, data: { code: 'BATCH_NOT_ALLOWED' } });
    }
    const client = await TestClient.open(gateway.url, old);
    expect((await client.send({ body: [echo(1)], headers: { 'mcp-session-id': undefined } })).status).toBe(400);
    expect(gateway.proxy.handled).toEqual([]);
  });
});

describe('standalone streams', () => {
  const change = { method: 'notifications/tools/list_changed' };
  const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
  const announce = (gateway: TestGateway) => {
    for (const deliver of gateway.proxy.subscribers.values()) deliver(change);
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

  it('are kept apart by session', async () => {
    const gateway = await start();
    const [ann, bob] = [await TestClient.open(gateway.url), await TestClient.open(gateway.url)];
    const streams = [await ann.listen(), await bob.listen()];
    expect(gateway.proxy.subscribers.size).toBe(2);
    const [deliver] = gateway.proxy.subscribers.values();
    deliver?.(change);
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
    const [deliver] = gateway.proxy.subscribers.values();
    for (let index = 0; index < 64 && gateway.stats.streams > 0; index++) {
      deliver?.({ method: 'notifications/resources/updated', params });
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
    expect(await gateway.drain.idle(0)).toBe(false);
    const idle = gateway.drain.idle(10_000);
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
    expect(await gateway.drain.idle(0)).toBe(true);
  });
});
