import { describe, expect, it } from 'vitest';
import { TestClient } from './testing/client.js';
import { type FakeHandler, progress, result } from './testing/fake-proxy.js';
import { gateways } from './testing/gateways.js';

const start = gateways();

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
