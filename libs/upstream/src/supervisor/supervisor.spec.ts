import { afterEach, describe, expect, it } from 'vitest';
import { GatewayError } from '#libs/kernel';
import { callOf, exchangeOf, jsonOf, RecordingSink } from '../testing/callers.js';
import { listingEvery, proxyOf, RegistryBench, ScriptedTransport, serverOf } from '../testing/registries.js';
import { type Received, ScriptedConnection } from '../testing/scripted-connection.js';
import { ColdStartGate } from './cold-start-gate.js';

type Json = Record<string, unknown>;

let benches: RegistryBench[] = [];
afterEach(async () => {
  await Promise.all(benches.map(({ registry }) => registry.stop(0)));
  benches = [];
});

const UNREACHABLE = new GatewayError('UPSTREAM_UNREACHABLE', 'nobody home', { notExecuted: true });
const ALL = { tools: {}, prompts: {}, resources: {} };

/** An upstream whose lists the test writes; answers are results, or errors when they have a code. */
function scripted(
  lists: (method: string, params: Json, connection: ScriptedConnection) => Json | undefined,
  capabilities: Json = { tools: { listChanged: true } },
  attribution: 'request' | 'connection' = 'connection',
) {
  const transport = new ScriptedTransport(() => {
    const connection = new ScriptedConnection(attribution);
    connection.welcome = { ...connection.welcome, capabilities };
    connection.onRequest = (request: Received) => {
      const answer = lists(request.method, request.params, connection);
      if (!answer) return;
      if ('code' in answer) connection.say({ id: request.id, error: answer }, request);
      else connection.answer(request, answer);
    };
    return connection;
  });
  const bench = new RegistryBench({ scripted: transport });
  benches.push(bench);
  return { transport, bench };
}

const tools = (...names: string[]) => ({ tools: names.map((name) => ({ name })) });
const lab = (rest = {}) => serverOf('lab', 'scripted', { timeout: 2_000 }, rest);
const count = (connection: ScriptedConnection, method: string) =>
  connection.received.filter((request) => request.method === method).length;

describe('discovery', () => {
  it('lists what is declared, all pages, item bytes untouched; the empty cursor is a cursor', async () => {
    const { bench, transport } = scripted((method, params) => {
      if (method === 'tools/list') {
        if (params['cursor'] === undefined) return { ...tools('a'), nextCursor: '' };
        return params['cursor'] === ''
          ? { ...tools('b'), nextCursor: 'x"y' }
          : { ...tools('c'), seen: params['cursor'] };
      }
      if (method === 'resources/templates/list') return { resourceTemplates: [{ uriTemplate: 'a://{b}', name: 't' }] };
      if (method === 'resources/list') return { resources: [{ uri: 'a://b', name: 'r', size: 5 }] };
      return { code: -32601, message: 'no' };
    }, ALL);
    await bench.up(proxyOf([lab()]));
    const [listing] = bench.listed;
    expect(bench.names('lab')).toEqual(['a', 'b', 'c']);
    expect(listing!.items.templates.map(String)).toEqual(['{"uriTemplate":"a://{b}","name":"t"}']);
    // Declared, but the upstream does not know the method: nothing to list, nothing wrong.
    expect(listing!.items.prompts).toEqual([]);
    expect(listing!.failed).toEqual({});
    const cursors = transport.connections[0]!.received.filter(({ method }) => method === 'tools/list').map(
      ({ params }) => params['cursor'],
    );
    expect(cursors).toEqual([undefined, '', 'x"y']);
  });

  it('asks for nothing that is not declared', async () => {
    const { bench, transport } = scripted(() => tools('a'), {});
    await bench.up(proxyOf([lab()]));
    expect(transport.connections[0]!.received.map(({ method }) => method)).toEqual(['initialize']);
    expect(bench.listed[0]!.items.tools).toEqual([]);
  });

  it.each([
    ['repeats its cursor', () => ({ ...tools('a'), nextCursor: 'same' }), 2, /repeats the cursor/, undefined],
    ['never ends', (n: number) => ({ ...tools(`t${n}`), nextCursor: `${n}` }), 100, /first 100 pages/, 'pages'],
    [
      'is endless at once',
      () => tools(...Array.from({ length: 10_001 }, (_, index) => `t${index}`)),
      10_000,
      /first 10000 entries/,
      'items',
    ],
  ])('is cut where an upstream %s', async (_what, page, length, reason, limit) => {
    let pages = 0;
    const { bench } = scripted(() => page(++pages));
    bench.apply(proxyOf([lab()]));
    await bench.state('lab', 'degraded');
    expect(bench.names('lab')).toHaveLength(length);
    expect(bench.upstream('lab').status.reason).toMatch(reason);
    expect(bench.listed[0]?.cut?.tools).toBe(limit && `proxy.discovery.${limit}`);
  });

  it('is cut at the limits of the configuration', async () => {
    const { bench } = scripted(() => tools('a', 'b', 'c'));
    const discovery = { ...listingEvery(600_000), items: 2 };
    bench.apply(proxyOf([lab()], { discovery }));
    await bench.state('lab', 'degraded');
    expect(bench.names('lab')).toEqual(['a', 'b']);
    expect(bench.upstream('lab').status.reason).toContain('only the first 2 entries are used (proxy.discovery.items)');
  });

  it('is cut at the size of the configuration', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `t${index}`);
    const { bench } = scripted(() => tools(...names));
    const discovery = { ...listingEvery(600_000), size: 100 };
    bench.apply(proxyOf([lab()], { discovery }));
    await bench.state('lab', 'degraded');
    expect(bench.names('lab').length).toBeGreaterThan(0);
    expect(bench.names('lab')).toEqual(names.slice(0, bench.names('lab').length));
    expect(bench.names('lab').length).toBeLessThan(20);
    expect(bench.upstream('lab').status.reason).toContain('(proxy.discovery.size)');
    expect(bench.listed[0]?.cut?.tools).toBe('proxy.discovery.size');
  });

  it('lets one failing list fail alone, and keeps its last good items', async () => {
    let broken: Json | undefined;
    const { bench, transport } = scripted((method) => {
      if (method === 'tools/list') return broken ?? tools('a');
      return method === 'prompts/list' ? { prompts: [{ name: 'p' }] } : { code: -32601, message: 'no' };
    }, ALL);
    await bench.up(proxyOf([lab()]));
    const changed = () => transport.connections[0]!.say({ method: 'notifications/tools/list_changed' });
    broken = { code: -32000, message: 'disk full' };
    changed();
    await bench.state('lab', 'degraded');
    expect(bench.upstream('lab').status.reason).toBe('tools/list failed: error -32000 disk full');
    expect(bench.listed.at(-1)!.failed).toEqual({ tools: 'error -32000 disk full' });
    expect(bench.names('lab')).toEqual(['a']);
    broken = { tools: 'not a list' };
    changed();
    await bench.until(() => bench.upstream('lab').status.reason?.includes('no array') ?? false);
    broken = undefined;
    changed();
    await bench.state('lab', 'ready');
    expect(bench.listed.at(-1)!.items.prompts).toHaveLength(1);
  });

  it('answers a storm of list changes with one look', async () => {
    const { bench, transport } = scripted((_method, _params, connection) =>
      tools(`t${count(connection, 'tools/list')}`),
    );
    await bench.up(proxyOf([lab()]));
    const [connection] = transport.connections;
    for (let i = 0; i < 100; i++) connection!.say({ method: 'notifications/tools/list_changed' });
    await bench.until(() => bench.listed.length === 2);
    expect(count(connection!, 'tools/list')).toBe(2);
  });

  it('answers an endless storm with few looks', async () => {
    const { bench, transport } = scripted((_method, _params, connection) => {
      // Whoever is asked says at once that everything changed.
      queueMicrotask(() => connection.say({ method: 'notifications/tools/list_changed' }));
      return tools('a');
    });
    await bench.up(proxyOf([lab()]));
    const began = performance.now();
    await transport.connections[0]!.request('tools/list', 4);
    expect(performance.now() - began).toBeGreaterThan(500);
  });

  it('asks again soon for a list that failed, and for that one only', async () => {
    let broken = true;
    const { bench, transport } = scripted((method) => {
      if (method === 'prompts/list') return { prompts: [] };
      if (method !== 'tools/list') return { code: -32601, message: 'no' };
      return broken ? { code: -32000, message: 'warming up' } : tools('a');
    }, ALL);
    bench.apply(proxyOf([lab()]));
    await bench.state('lab', 'degraded');
    broken = false;
    await bench.state('lab', 'ready');
    expect(bench.names('lab')).toEqual(['a']);
    expect(count(transport.connections[0]!, 'prompts/list')).toBe(1);
  });

  it('keeps the very same lists when nothing changed', async () => {
    const { bench, transport } = scripted(() => tools('a'));
    await bench.up(proxyOf([lab()], { discovery: listingEvery(10) }));
    const { listing } = bench.upstream('lab');
    await transport.connections[0]!.request('tools/list', 4);
    expect(bench.upstream('lab').listing).toBe(listing);
  });

  it('uses no more of a list than fits', async () => {
    const description = 'x'.repeat(1024 * 1024);
    const { bench } = scripted((_method, params) => ({
      tools: [{ name: `t${params['cursor'] ?? 0}`, description }],
      nextCursor: `${Number(params['cursor'] ?? 0) + 1}`,
    }));
    bench.apply(proxyOf([lab()]));
    await bench.state('lab', 'degraded');
    expect(bench.upstream('lab').status.reason).toContain('only the first 32 MiB are used');
    expect(bench.names('lab')).toHaveLength(31);
  });

  it('happens again from time to time, and is told only when something changed', async () => {
    const { bench, transport } = scripted((_method, _params, connection) =>
      count(connection, 'tools/list') < 5 ? tools('a') : tools('a', 'b'),
    );
    await bench.up(proxyOf([lab()], { discovery: listingEvery(10) }));
    await bench.until(() => bench.listed.length === 2);
    expect(count(transport.connections[0]!, 'tools/list')).toBeGreaterThanOrEqual(5);
    expect(bench.names('lab')).toEqual(['a', 'b']);
  });
});

describe('health', () => {
  it('goes from connecting to unreachable to ready, is told once per change, and retries for ever', async () => {
    let up = false;
    const { bench, transport } = scripted(() => tools('a'));
    const { make } = transport;
    let tries = 0;
    transport.make = (target, n) => {
      tries++;
      if (!up) throw UNREACHABLE;
      return make(target, n);
    };
    bench.apply(proxyOf([lab()]));
    await bench.registry.settled(5_000);
    await bench.until(() => tries >= 5);
    expect(bench.upstream('lab').status).toMatchObject({ state: 'unreachable', reason: 'nobody home' });
    expect(bench.upstream('lab').status.nextRetry).toBeGreaterThan(0);
    up = true;
    await bench.state('lab', 'ready');
    expect(bench.states).toEqual(['lab unreachable', 'lab ready']);
    expect(bench.log.lines.map(({ message }) => message)).toEqual(['lab is unreachable: nobody home', 'lab is ready']);
  });

  it('is not changed by failing tools or calls of one user', async () => {
    const { bench } = scripted((method) =>
      method === 'tools/list' ? tools('a') : { code: -32000, message: 'tool broke' },
    );
    await bench.up(proxyOf([lab()]));
    const failed = await bench.upstream('lab').send(callOf('tools/call', {}), exchangeOf(), new RecordingSink());
    expect(failed.kind).toBe('error');
    expect(bench.upstream('lab').status.state).toBe('ready');
  });

  it('withdraws lists after the grace time, and lists again when the upstream is back', async () => {
    let up = true;
    const { bench, transport } = scripted(() => tools('a'));
    const { make } = transport;
    transport.make = (target, n) => {
      if (!up) throw UNREACHABLE;
      return make(target, n);
    };
    await bench.up(proxyOf([lab()], { grace: 30 }));
    up = false;
    transport.connections[0]!.break(new GatewayError('UPSTREAM_DISCONNECTED', 'died'));
    await bench.state('lab', 'unreachable');
    expect(bench.names('lab')).toEqual(['a']);
    await bench.until(() => bench.withdrawn.length === 1);
    expect(bench.withdrawn[0]!.reason).toMatch(/proxy\.grace.*nobody home/);
    up = true;
    await bench.state('lab', 'ready');
    expect(bench.listed).toHaveLength(2);
    expect(bench.withdrawn).toHaveLength(1);
  });

  it('a short outage withdraws nothing and is not listed again', async () => {
    const { bench, transport } = scripted(() => tools('a'));
    await bench.up(proxyOf([lab()]));
    transport.connections[0]!.break(new GatewayError('UPSTREAM_DISCONNECTED', 'died'));
    await bench.until(() => bench.states.includes('lab unreachable'));
    await bench.state('lab', 'ready');
    expect(transport.connections).toHaveLength(2);
    expect([bench.withdrawn.length, bench.listed.length]).toEqual([0, 1]);
  });

  it('waits longer and longer for an upstream that dies as soon as it is up', async () => {
    const { bench, transport } = scripted((_method, _params, connection) => {
      queueMicrotask(() => connection.break(new GatewayError('UPSTREAM_DISCONNECTED', 'crash loop')));
      return tools('a');
    });
    bench.apply(proxyOf([lab()], { retry: { initial: 5, max: 10_000, multiplier: 100 } }));
    await bench.until(() => (bench.upstream('lab').status.nextRetry ?? 0) - Date.now() > 200);
    expect(transport.connections.length).toBeLessThan(12);
    await expect(
      bench.upstream('lab').send(callOf('tools/call', {}), exchangeOf(), new RecordingSink()),
    ).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
  });

  it('a call does not wait longer than its own limit for a first connection', async () => {
    const { bench, transport } = scripted(() => tools('a'));
    transport.make = () => new Promise<never>(() => {});
    bench.apply(proxyOf([serverOf('lab', 'scripted', { timeout: 20 })]));
    await expect(
      bench.upstream('lab').send(callOf('tools/call', {}), exchangeOf(), new RecordingSink()),
    ).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE', message: expect.stringMatching(/still connecting/) });
    await bench.registry.settled(10);
  });
});

describe('the heartbeat', () => {
  const heartbeat = { enabled: true, interval: 10, timeout: 15, failures: 3 };

  it('reconnects after so many silent pings, and says so before', async () => {
    let mute = false;
    const { bench, transport } = scripted((method) => {
      if (method === 'ping') return mute ? undefined : {};
      return tools('a');
    });
    await bench.up(proxyOf([lab()], { heartbeat }));
    await transport.connections[0]!.request('ping', 2);
    mute = true;
    await bench.state('lab', 'degraded');
    expect(bench.upstream('lab').status.reason).toMatch(/did not answer a ping within 15 ms/);
    await bench.until(() => transport.connections.length === 2);
    expect(transport.connections[0]!.closed).toBe(true);
    // Whatever the transport keeps open for later may be as silent.
    expect(transport.renewed).toBeGreaterThan(0);
    mute = false;
    await bench.state('lab', 'ready');
  });

  it('is satisfied with an error, and recovers from a missed ping', async () => {
    let pings = 0;
    const { bench } = scripted((method) => {
      if (method !== 'ping') return tools('a');
      return ++pings === 2 ? undefined : { code: -32601, message: 'what is a ping' };
    });
    await bench.up(proxyOf([lab()], { heartbeat }));
    await bench.state('lab', 'degraded');
    await bench.state('lab', 'ready');
    expect(bench.listed).toHaveLength(1);
  });

  it('leaves a session in peace on which calls run', async () => {
    const { bench, transport } = scripted((method) => (method === 'tools/list' ? tools('a') : undefined));
    await bench.up(proxyOf([lab()], { heartbeat: { ...heartbeat, interval: 30 } }));
    const exchange = exchangeOf();
    const call = bench.upstream('lab').send(callOf('tools/call', {}), exchange, new RecordingSink());
    call.catch(() => {});
    await transport.connections[0]!.request('tools/call');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(count(transport.connections[0]!, 'ping')).toBe(0);
    exchange.abort();
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('replay', () => {
  const lost = (error: GatewayError) => async (repeatable: boolean) => {
    let failing = true;
    const { bench, transport } = scripted(
      (method) => {
        if (method === 'tools/list') return tools('a');
        return method === 'tools/call' && failing ? undefined : { done: true };
      },
      undefined,
      'request',
    );
    await bench.up(proxyOf([lab()]));
    const call = bench
      .upstream('lab')
      .send(callOf('tools/call', {}, { repeatable }), exchangeOf(), new RecordingSink());
    call.catch(() => {});
    const sent = await transport.connections[0]!.request('tools/call');
    failing = false;
    sent.sink.onError(error);
    return { call, transport };
  };
  const forgotten = lost(new GatewayError('UPSTREAM_SESSION_LOST', 'HTTP 404', { notExecuted: true }));
  const broken = lost(new GatewayError('UPSTREAM_DISCONNECTED', 'reset'));

  it('repeats on a new session what provably did not run', async () => {
    const { call, transport } = await forgotten(false);
    expect(jsonOf(await call)).toEqual({ done: true });
    expect(transport.connections).toHaveLength(2);
  });

  it('repeats what does no harm', async () => {
    expect(jsonOf(await (await broken(true)).call)).toEqual({ done: true });
  });

  it('never repeats what may have run, and says so', async () => {
    const { call, transport } = await broken(false);
    await expect(call).rejects.toMatchObject({
      code: 'UPSTREAM_DISCONNECTED',
      message: expect.stringMatching(/may have been executed/),
      data: { server: 'lab', mayHaveExecuted: true },
    });
    expect(
      transport.connections.flatMap(({ received }) => received).filter(({ method }) => method === 'tools/call'),
    ).toHaveLength(1);
  });

  it('repeats once, not for ever', async () => {
    const { bench, transport } = scripted(
      (method) => (method === 'tools/list' ? tools('a') : undefined),
      undefined,
      'request',
    );
    await bench.up(proxyOf([lab()]));
    const call = bench.upstream('lab').send(callOf('tools/call', {}), exchangeOf(), new RecordingSink());
    call.catch(() => {});
    const gone = new GatewayError('UPSTREAM_SESSION_LOST', 'HTTP 404', { notExecuted: true });
    (await transport.connections[0]!.request('tools/call')).sink.onError(gone);
    await bench.until(() => transport.connections.length === 2);
    (await transport.connections[1]!.request('tools/call')).sink.onError(gone);
    await expect(call).rejects.toMatchObject({ code: 'UPSTREAM_DISCONNECTED', notExecuted: true });
  });
});

describe('the cold start gate', () => {
  it('lets so many in at a time, and does not wait for those that hang', async () => {
    const gate = new ColdStartGate(2, 20);
    let inside = 0;
    let most = 0;
    const quick = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    await Promise.all(Array.from({ length: 10 }, () => gate.run(quick)));
    expect(most).toBe(2);
    const hanging = [1, 2].map(() => gate.run(() => new Promise<never>(() => {})));
    for (const never of hanging) never.catch(() => {});
    expect(await gate.run(async () => 'in')).toBe('in');
    await expect(gate.run(async () => Promise.reject(new Error('x')))).rejects.toThrow('x');
  });
});
