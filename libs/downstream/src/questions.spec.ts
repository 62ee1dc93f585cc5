import { describe, expect, it } from 'vitest';
import { TestClient } from './testing/client.js';
import { type FakeHandler, result } from './testing/fake-proxy.js';
import { gateways } from './testing/gateways.js';

const start = gateways();

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
