import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayError } from '#libs/kernel';
import { exchangeOf, jsonOf, RecordingSink, toolCall } from '../testing/callers.js';
import { proxyOf, RegistryBench, ScriptedTransport, serverOf } from '../testing/registries.js';
import { ScriptedConnection } from '../testing/scripted-connection.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0).reverse()) await close();
});

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

type Settings = Parameters<typeof serverOf>[2];

/** An upstream with ten seconds for a call and five for its silence. */
async function world(attribution: 'connection' | 'request', settings: Settings = {}) {
  const transport = new ScriptedTransport(() => {
    const connection = new ScriptedConnection(attribution);
    connection.onRequest = (request) => {
      if (request.method === 'tools/list') connection.answer(request, { tools: [] });
    };
    return connection;
  });
  const bench = new RegistryBench({ lab: transport });
  closers.push(() => bench.registry.stop(0));
  await bench.up(proxyOf([serverOf('lab', 'lab', { timeout: 5_000, max_total: 10_000, ...settings })]));
  return { bench, transport };
}

type World = Awaited<ReturnType<typeof world>>;

function call({ bench }: World, options: Parameters<typeof toolCall>[2] = {}, capabilities = {}) {
  const sink = new RecordingSink();
  const exchange = exchangeOf({ session: 'one', capabilities });
  const outcome = bench.upstream('lab').send(toolCall('work', {}, { solo: true, ...options }), exchange, sink);
  const state: { settled?: unknown } = {};
  outcome.then(
    (answer) => (state.settled = jsonOf(answer)),
    (thrown: unknown) => (state.settled = thrown),
  );
  return { sink, state };
}

const calls = ({ transport }: World) =>
  transport.connections.flatMap((connection) =>
    connection.received.filter(({ method }) => method === 'tools/call').map((request) => ({ connection, request })),
  );

async function sent(at: World, nth = 1) {
  await expect.poll(() => calls(at).length).toBe(nth);
  return calls(at)[nth - 1]!;
}

/** Reports progress every second, so that only the whole of a call can become too long. */
async function alive({ connection, request }: Awaited<ReturnType<typeof sent>>, seconds: number): Promise<void> {
  const { progressToken } = request.params['_meta'] as { progressToken: number };
  for (let second = 1; second <= seconds; second++) {
    await pass(1_000);
    connection.say({ method: 'notifications/progress', params: { progressToken, progress: second } }, request);
  }
}

const WHOLE = { server: 'lab', tool: 'work', limit: 'connection.max_total', milliseconds: 10_000 };

describe('connection.timeout', () => {
  it('bounds the silence of a call, which any message on its stream ends', async () => {
    const at = await world('request');
    const { state } = call(at);
    const { connection, request } = await sent(at);
    await pass(4_900);
    connection.say({ method: 'notifications/message', params: { level: 'info', data: 1 } }, request);
    await pass(4_900);
    expect(state.settled).toBeUndefined();
    await pass(200);
    expect(state.settled).toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      data: { ...WHOLE, limit: 'connection.timeout', milliseconds: 5_000, mayHaveExecuted: true },
    });
    expect(connection.posted).toContainEqual(
      expect.objectContaining({
        method: 'notifications/cancelled',
        params: expect.objectContaining({ requestId: request.id }),
      }),
    );
  });

  it('is put off by pieces of a long answer', async () => {
    const at = await world('request');
    const { state } = call(at);
    const { connection, request } = await sent(at);
    await pass(4_900);
    request.sink.onBytes?.();
    await pass(4_900);
    connection.answer(request, { done: true });
    await expect.poll(() => state.settled).toEqual({ done: true });
  });
});

describe('connection.max_total', () => {
  it('counts what was used up before the call came to its upstream', async () => {
    const at = await world('request');
    const { state } = call(at, { spent: 6_000 });
    const running = await sent(at);
    await alive(running, 3);
    expect(state.settled).toBeUndefined();
    await alive(running, 2);
    expect(state.settled).toMatchObject({ code: 'UPSTREAM_TIMEOUT', data: { ...WHOLE, mayHaveExecuted: true } });
  });

  it('that is used up before keeps the call from being sent', async () => {
    const at = await world('request');
    const { state } = call(at, { spent: 10_000 });
    await expect
      .poll(() => state.settled)
      .toMatchObject({
        code: 'UPSTREAM_TIMEOUT',
        notExecuted: true,
        data: { ...WHOLE, mayHaveExecuted: false },
      });
    expect(calls(at)).toEqual([]);
  });

  it('bounds a second attempt together with the first', async () => {
    const at = await world('request');
    const { state } = call(at, { repeatable: true });
    const first = await sent(at);
    await alive(first, 7);
    first.request.sink.onError(new GatewayError('UPSTREAM_DISCONNECTED', 'reset'));
    const second = await sent(at, 2);
    await alive(second, 2);
    expect(state.settled).toBeUndefined();
    await alive(second, 2);
    expect(state.settled).toMatchObject({ code: 'UPSTREAM_TIMEOUT', data: { ...WHOLE, mayHaveExecuted: true } });
    expect(calls(at)).toHaveLength(2);
  });

  it('bounds waiting for a session together with the call', async () => {
    const at = await world('connection', { pool: 1, timeout: 60_000 });
    const first = call(at, {}, { elicitation: {} });
    const running = await sent(at);
    const second = call(at, {}, { elicitation: {} });
    await pass(8_000);
    expect(calls(at)).toHaveLength(1);
    running.connection.answer(running.request, { first: true });
    await expect.poll(() => first.state.settled).toEqual({ first: true });
    await sent(at, 2);
    await pass(1_900);
    expect(second.state.settled).toBeUndefined();
    await pass(200);
    expect(second.state.settled).toMatchObject({ code: 'UPSTREAM_TIMEOUT', data: { ...WHOLE, mayHaveExecuted: true } });
  });

  it('ends waiting for a session that does not become free', async () => {
    const at = await world('connection', { pool: 1, timeout: 60_000, max_total: 10_000 });
    const first = call(at, {}, { elicitation: {} });
    const running = await sent(at);
    await pass(5_000);
    const second = call(at, {}, { elicitation: {} });
    await pass(4_000);
    running.connection.answer(running.request, { first: true });
    await expect.poll(() => first.state.settled).toEqual({ first: true });
    const third = call(at, { spent: 9_000 }, { elicitation: {} });
    await sent(at, 2);
    await pass(1_100);
    expect(second.state.settled).toBeUndefined();
    expect(third.state.settled).toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      notExecuted: true,
      message: expect.stringMatching(/no session was free for tool work within 10 s \(connection\.max_total\)/),
      data: { ...WHOLE, mayHaveExecuted: false },
    });
    expect(calls(at)).toHaveLength(2);
  });

  it('stands still, as the silence does, while a question is open', async () => {
    const at = await world('request');
    const { sink, state } = call(at, {}, { elicitation: {} });
    const running = await sent(at);
    await alive(running, 9);
    const form = { message: '?', requestedSchema: { type: 'object', properties: {} } };
    running.connection.say({ id: 'q', method: 'elicitation/create', params: form }, running.request);
    await expect.poll(() => sink.answers.length).toBe(1);
    await pass(3_600_000);
    expect(state.settled).toBeUndefined();
    sink.answers[0]!.resolve({ kind: 'result', result: Buffer.from('{"action":"decline"}') });
    await pass(900);
    expect(state.settled).toBeUndefined();
    await pass(200);
    expect(state.settled).toMatchObject({ code: 'UPSTREAM_TIMEOUT', data: WHOLE });
  });
});

describe('a call that has asked its client something', () => {
  it('is not sent again when its connection breaks, although that would do no harm', async () => {
    const at = await world('request');
    const { sink, state } = call(at, { repeatable: true }, { elicitation: {} });
    const { connection, request } = await sent(at);
    const form = { message: '?', requestedSchema: { type: 'object', properties: {} } };
    connection.say({ id: 'q', method: 'elicitation/create', params: form }, request);
    await expect.poll(() => sink.answers.length).toBe(1);
    sink.answers[0]!.resolve({ kind: 'result', result: Buffer.from('{"action":"accept"}') });
    await expect.poll(() => connection.posted.length).toBeGreaterThan(1);
    request.sink.onError(new GatewayError('UPSTREAM_DISCONNECTED', 'reset'));
    await expect.poll(() => state.settled).toMatchObject({ data: { mayHaveExecuted: true } });
    expect(calls(at)).toHaveLength(1);
  });
});
