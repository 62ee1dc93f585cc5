import { afterEach, describe, expect, it } from 'vitest';
import { ProxyConfig } from '#libs/config';
import { GatewayError, principal } from '#libs/kernel';
import { exchangeOf, jsonOf, RecordingSink, toolCall } from '../testing/callers.js';
import { proxyOf, RegistryBench, ScriptedTransport, serverOf } from '../testing/registries.js';
import { type Received, ScriptedConnection } from '../testing/scripted-connection.js';

// An upstream that connects, lists and answers pings, and whose calls the test decides about.

type Json = Record<string, unknown>;
type Fate = 'answer' | 'silence' | 'tool error' | 'rpc error' | GatewayError;

const benches: RegistryBench[] = [];
afterEach(async () => {
  await Promise.all(benches.splice(0).map(({ registry }) => registry.stop(0)));
});

const TOOLS = ['a', 'b', 'c'];
const BROKEN = new GatewayError('UPSTREAM_HTTP', 'answered HTTP 500', { data: { status: 500 } });
const breaker = { ...new ProxyConfig().breaker, calls: 10, minimum: 4, wait: 60_000 };

function upstream(connection: Json = {}, rest: Json = {}) {
  const fate: { of: (tool: string) => Fate; up: boolean } = { of: () => 'answer', up: true };
  const calls: Received[] = [];
  const transport = new ScriptedTransport(() => {
    if (!fate.up) throw new GatewayError('UPSTREAM_UNREACHABLE', 'nobody home', { notExecuted: true });
    const made = new ScriptedConnection('request');
    made.welcome = { ...made.welcome, capabilities: { tools: {} } };
    made.onRequest = (request) => {
      if (request.method === 'tools/list') made.answer(request, { tools: TOOLS.map((name) => ({ name })) });
      else if (request.method !== 'tools/call') made.answer(request, {});
      else {
        calls.push(request);
        decide(made, request, fate.of(request.params['name'] as string));
      }
    };
    return made;
  });
  const bench = new RegistryBench({ scripted: transport });
  benches.push(bench);
  const server = serverOf('lab', 'scripted', { timeout: 1_000, ...connection }, rest);
  const call = async (tool: string, who = exchangeOf()) =>
    jsonOf(await bench.upstream('lab').send(toolCall(tool), who, new RecordingSink()));
  const failing = async (...names: string[]) => {
    for (const name of names) await expect(call(name)).rejects.toBeInstanceOf(GatewayError);
  };
  return { bench, transport, fate, calls, server, call, failing };
}

function decide(connection: ScriptedConnection, request: Received, fate: Fate): void {
  if (fate === 'answer') connection.answer(request, { done: true });
  else if (fate === 'tool error') connection.answer(request, { isError: true, content: [] });
  else if (fate === 'rpc error') connection.say({ id: request.id, error: { code: -32000, message: 'no' } }, request);
  else if (fate !== 'silence') request.sink.onError(fate);
}

describe('an upstream whose calls fail while its session answers', () => {
  it('is left alone: calls fail at once with cause and time of the next attempt, and its tools stay', async () => {
    const { bench, calls, fate, server, call, failing } = upstream();
    await bench.up(proxyOf([server], { breaker }));
    fate.of = () => BROKEN;
    await failing('a', 'b', 'a', 'b');
    await bench.state('lab', 'unreachable');
    const sent = calls.length;
    await expect(call('c')).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      notExecuted: true,
      message: expect.stringMatching(/4 of the last 4 calls broke off or timed out.*tries again in \d+ s/),
      data: { server: 'lab', breaker: 'open', retryAt: expect.any(String) },
    });
    expect(calls).toHaveLength(sent);
    expect(bench.names('lab')).toEqual(TOOLS);
    expect(bench.upstream('lab').status).toMatchObject({
      state: 'unreachable',
      cause: 'UPSTREAM_UNREACHABLE',
      nextRetry: expect.any(Number),
      breaker: { state: 'open', openings: 1 },
    });
    expect(bench.log.lines.filter(({ message }) => message.startsWith('lab is unreachable'))).toHaveLength(1);
  });

  it('counts silence as failure, also from an upstream that answers pings', async () => {
    const { bench, fate, server, failing } = upstream({ timeout: 20 });
    await bench.up(proxyOf([server], { breaker }));
    fate.of = () => 'silence';
    await failing('a', 'b', 'a', 'b');
    await bench.state('lab', 'unreachable');
    expect(bench.upstream('lab').status.reason).toMatch(/UPSTREAM_TIMEOUT at last/);
  });

  it('is probed by a new session that lists, not by a call, and serves again', async () => {
    const { bench, calls, fate, server, transport, call, failing } = upstream();
    await bench.up(proxyOf([server], { breaker: { ...breaker, wait: 20 } }));
    fate.of = () => BROKEN;
    fate.up = false;
    await failing('a', 'b', 'a', 'b');
    const sent = calls.length;
    await bench.until(() => bench.upstream('lab').status.reason === 'nobody home');
    expect(bench.upstream('lab').status.breaker.state).toBe('open');
    fate.up = true;
    fate.of = () => 'answer';
    await bench.state('lab', 'ready');
    expect(calls).toHaveLength(sent);
    expect(transport.connections).toHaveLength(2);
    expect(bench.upstream('lab').status.breaker.state).toBe('half_open');
    expect(await call('a')).toEqual({ done: true });
    expect(bench.upstream('lab').status.breaker).toEqual({ state: 'closed', openings: 1 });
  });

  it('lets running calls end, which a probe of today has nothing to fear from', async () => {
    const { bench, calls, fate, server, call, failing } = upstream();
    await bench.up(proxyOf([server], { breaker: { ...breaker, wait: 20 } }));
    fate.of = (tool) => (tool === 'c' ? 'silence' : BROKEN);
    const running = call('c');
    await failing('a', 'b', 'a', 'b');
    await bench.until(() => bench.states.includes('lab unreachable'));
    await bench.state('lab', 'ready');
    const [first] = calls;
    first!.sink.onMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: first!.id, result: { late: true } })));
    expect(await running).toEqual({ late: true });
  });

  it('stays what it is when one tool never answers', async () => {
    const { bench, fate, server, call, failing } = upstream({ timeout: 10 });
    await bench.up(proxyOf([server], { breaker }));
    fate.of = (tool) => (tool === 'a' ? 'silence' : 'answer');
    await failing(...Array.from({ length: 12 }, () => 'a'));
    expect(bench.upstream('lab').status).toMatchObject({ state: 'ready', breaker: { state: 'closed', openings: 0 } });
    expect(await call('b')).toEqual({ done: true });
  });

  it.each([
    ['gives a caller another session when its own answers no ping either', false, 4],
    ['leaves a caller its session when that answers pings', true, 3],
  ])('%s, and everybody else keeps theirs', async (_what, pings, sessions) => {
    const { bench, server, transport, call } = upstream({ timeout: 20 }, { state: 'user' });
    const heartbeat = { enabled: true, interval: 600_000, timeout: 200, failures: 3 };
    await bench.up(proxyOf([server], { breaker, heartbeat }));
    const who = (name: string) => () =>
      exchangeOf({ principal: principal('https://issuer', name), session: name, capabilities: { elicitation: {} } });
    const [alice, bob] = [who('alice'), who('bob')];
    expect(await call('a', alice())).toEqual({ done: true });
    expect(await call('a', bob())).toEqual({ done: true });
    const [, hers, his] = transport.connections;
    hers!.onRequest = (request) => {
      if (pings && request.method === 'ping') hers!.answer(request, {});
    };
    for (const tool of ['a', 'b', 'c']) {
      await expect(call(tool, alice())).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
      expect(await call(tool, bob())).toEqual({ done: true });
    }
    await hers!.request('ping');
    await expect.poll(() => hers!.closed || pings).toBe(true);
    if (pings) await expect(call('a', alice())).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    else expect(await call('a', alice())).toEqual({ done: true });
    expect(transport.connections).toHaveLength(sessions);
    expect([hers!.closed, his!.closed]).toEqual([!pings, false]);
    expect(bench.upstream('lab').status).toMatchObject({ state: 'ready', breaker: { state: 'closed', openings: 0 } });
  });

  it.each<[string, Fate]>([
    ['errors of tools', 'tool error'],
    ['errors of the protocol', 'rpc error'],
    ['a credential that is refused', new GatewayError('UPSTREAM_UNAUTHORIZED', '401', { data: { status: 401 } })],
    ['a right that is missing', new GatewayError('UPSTREAM_FORBIDDEN', '403', { data: { status: 403 } })],
  ])('is well whatever the number of %s', async (_what, how) => {
    const { bench, fate, server, call } = upstream();
    await bench.up(proxyOf([server], { breaker }));
    fate.of = () => how;
    await Promise.allSettled(Array.from({ length: 30 }, (_, index) => call(TOOLS[index % 3]!)));
    expect(bench.upstream('lab').status).toMatchObject({ state: 'ready', breaker: { state: 'closed' } });
    expect(bench.states.filter((state) => state !== 'lab connecting')).toEqual(['lab ready']);
  });

  it('is well when its callers give up', async () => {
    const { bench, calls, fate, server, call } = upstream();
    await bench.up(proxyOf([server], { breaker }));
    fate.of = () => 'silence';
    for (let n = 1; n <= 12; n++) {
      const who = exchangeOf();
      const running = call(TOOLS[n % 3]!, who);
      running.catch(() => {});
      await expect.poll(() => calls.length).toBe(n);
      who.abort();
      await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
    }
    expect(bench.upstream('lab').status).toMatchObject({ state: 'ready', breaker: { state: 'closed' } });
  });
});

describe('an upstream nobody watches over', () => {
  const personal = { auth: { type: 'per-user' } as never };
  const alice = () => exchangeOf({ principal: principal('https://issuer', 'alice') });

  it('rests as well, and its callers find out how it is', async () => {
    const { bench, calls, fate, server, call } = upstream({}, personal);
    await bench.up(proxyOf([server], { breaker: { ...breaker, wait: 20 } }));
    fate.of = () => BROKEN;
    for (const tool of ['a', 'b', 'a', 'b'])
      await expect(call(tool, alice())).rejects.toMatchObject({ code: 'UPSTREAM_HTTP' });
    expect(bench.upstream('lab').status.state).toBe('unreachable');
    const sent = calls.length;
    await expect(call('c', alice())).rejects.toMatchObject({ data: { breaker: 'open' } });
    expect(calls).toHaveLength(sent);
    fate.of = () => 'answer';
    await bench.state('lab', 'ready');
    expect(await call('a', alice())).toEqual({ done: true });
    expect(bench.upstream('lab').status.breaker).toEqual({ state: 'closed', openings: 1 });
  });
});

describe('a login that fails', () => {
  const refused = new GatewayError('UPSTREAM_UNAUTHORIZED', 'HTTP 401', { notExecuted: true });
  const as = (name: string) => exchangeOf({ principal: principal('https://issuer', name), session: name });

  it.each<[string, Json]>([
    ['of one user beside the credential of the gateway', { state: 'user' }],
    ['of one user where the gateway has no credential', { auth: { type: 'per-user' } }],
  ])('%s never changes the health of an upstream, however often', async (_what, rest) => {
    const { bench, server, transport, call } = upstream({}, rest);
    const { make } = transport;
    await bench.up(proxyOf([server], { breaker }));
    const before = bench.states.length;
    transport.make = () => {
      throw refused;
    };
    const capabilities = { elicitation: {} };
    for (let n = 0; n < 12; n++) {
      const who = exchangeOf({ principal: principal('https://issuer', 'mallory'), session: 'm', capabilities });
      await expect(call(TOOLS[n % 3]!, who)).rejects.toMatchObject({ code: 'UPSTREAM_UNAUTHORIZED' });
    }
    expect(bench.states.slice(before)).toEqual([]);
    expect(bench.upstream('lab').status).toMatchObject({ state: 'ready', breaker: { state: 'closed' } });
    expect(bench.log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
    transport.make = make;
    expect(await call('a', as('alice'))).toEqual({ done: true });
  });
});

describe('connection.concurrency', () => {
  it('refuses at once what is too much, naming the key, and takes the next one when there is room', async () => {
    const { bench, calls, fate, server, call } = upstream({ concurrency: 2 });
    await bench.up(proxyOf([server]));
    fate.of = (tool) => (tool === 'c' ? 'answer' : 'silence');
    const [first, second] = [exchangeOf(), exchangeOf()];
    const running = [call('a', first), call('b', second)];
    for (const one of running) one.catch(() => {});
    await expect.poll(() => calls.length).toBe(2);
    expect(bench.upstream('lab').status.inFlight).toBe(2);
    await expect(call('c')).rejects.toMatchObject({
      code: 'UPSTREAM_BUSY',
      notExecuted: true,
      message: expect.stringMatching(/connection\.concurrency/),
      data: { server: 'lab', key: 'proxy.servers[].connection.concurrency' },
    });
    first.abort();
    await expect(running[0]).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await call('c')).toEqual({ done: true });
    second.abort();
    await Promise.allSettled(running);
    expect(bench.upstream('lab').status.inFlight).toBe(0);
  });

  it('counts those that wait for a first connection', async () => {
    const { bench, server, transport, call } = upstream({ concurrency: 1, timeout: 50 });
    transport.make = () => new Promise<never>(() => {});
    bench.apply(proxyOf([server]));
    const waiting = call('a');
    await expect(call('b')).rejects.toMatchObject({ code: 'UPSTREAM_BUSY' });
    await expect(waiting).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
  });
});
