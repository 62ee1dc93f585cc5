import { afterEach, describe, expect, it } from 'vitest';
import { GatewayError, type Outcome } from '#libs/kernel';
import { callOf, exchangeOf, jsonOf, RecordingSink } from '../testing/callers.js';
import { proxyOf, RegistryBench, ScriptedTransport, serverOf } from '../testing/registries.js';
import { ScriptedConnection } from '../testing/scripted-connection.js';

// What becomes of calls when the configuration of their upstream changes under them.

const benches: RegistryBench[] = [];
afterEach(async () => {
  await Promise.all(benches.splice(0).map(({ registry }) => registry.stop(0)));
});

/** May be asked something, so it gets a session that is not the gateway's own. */
const caller = () => exchangeOf({ capabilities: { elicitation: {} } });
const never = new Promise<never>(() => {});

/** An upstream that answers each call with the number of the connection it came on. `make` may hold connections back. */
async function world(make: (count: number) => Promise<unknown> | undefined = () => undefined) {
  const transport = new ScriptedTransport(async (_, count) => {
    await make(count);
    const connection = new ScriptedConnection('connection');
    connection.welcome = { ...connection.welcome, capabilities: { tools: {} } };
    connection.onRequest = (request) => {
      if (request.method === 'tools/list') connection.answer(request, { tools: [{ name: 'work' }] });
      if (request.method === 'tools/call' && request.params['name'] === 'work') {
        connection.answer(request, { content: [], connection: transport.connections.indexOf(connection) });
      }
    };
    return connection;
  });
  const bench = new RegistryBench({ scripted: transport });
  benches.push(bench);
  const lab = (more: object = {}, rest: object = {}) =>
    serverOf('lab', 'scripted', { ...more }, { state: 'user', ...rest });
  await bench.up(proxyOf([lab()]));
  const handle = bench.upstream('lab');
  const call = (name: string, exchange = caller()) =>
    handle.send(callOf('tools/call', { name }), exchange, new RecordingSink());
  return { bench, transport, lab, call };
}

const answered = (outcome: Outcome) => (outcome.kind === 'result' ? jsonOf(outcome) : outcome);

describe('a call that waits for a session of an upstream whose configuration changes', () => {
  it('is run by its successor', async () => {
    let stuck = 0;
    let full = false;
    const { bench, call, lab, transport } = await world(() => {
      if (!full) return undefined;
      stuck++;
      return never;
    });
    full = true;
    const waiting = call('work');
    await expect.poll(() => stuck).toBe(1);
    full = false;
    bench.apply(proxyOf([lab({ timeout: 12_345 })]));
    await expect(waiting.then(answered)).resolves.toMatchObject({ content: [] });
    const { received } = transport.connections[0]!;
    expect(received.filter(({ method }) => method === 'tools/call')).toEqual([]);
  });

  it('is told so when there is none, or none that is enabled', async () => {
    for (const servers of [[], ['disabled']]) {
      const { bench, call, lab } = await world((count) => (count === 1 ? never : undefined));
      const waiting = call('work');
      bench.apply(proxyOf(servers.map(() => lab({}, { enabled: false }))), { shutdownTimeout: 10 });
      await expect(waiting).rejects.toMatchObject({ code: 'UPSTREAM_REMOVED', notExecuted: true });
    }
  });

  it('has no more time for it', async () => {
    const { bench, call, lab } = await world((count) => (count > 0 ? never : undefined));
    const began = performance.now();
    const waiting = call('work');
    await expect.poll(() => performance.now() - began).toBeGreaterThan(5);
    bench.apply(proxyOf([lab({ max_total: 2 })]));
    await expect(waiting).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT', notExecuted: true });
  });

  it('ends with its caller', async () => {
    const { bench, call, lab } = await world((count) => (count === 1 ? never : undefined));
    const exchange = caller();
    const waiting = call('work', exchange);
    exchange.abort();
    bench.apply(proxyOf([lab({ timeout: 12_345 })]));
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a call that runs', () => {
  it('is not sent again by the successor when it is cut off', async () => {
    const { bench, call, lab, transport } = await world();
    const running = call('hang');
    running.catch(() => {});
    await expect
      .poll(() => transport.connections[1]?.received.some(({ method }) => method === 'tools/call'))
      .toBe(true);
    bench.apply(proxyOf([lab({ timeout: 12_345 })]), { shutdownTimeout: 10 });
    const thrown = await running.catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(GatewayError);
    expect(thrown).toMatchObject({ code: 'UPSTREAM_REMOVED', notExecuted: false, data: { mayHaveExecuted: true } });
    await bench.state('lab', 'ready');
    const sent = transport.connections.flatMap(({ received }) =>
      received.filter(({ method }) => method === 'tools/call'),
    );
    expect(sent).toHaveLength(1);
  });
});

describe('a call that comes late, with the handle of before', () => {
  it('is run by the successor', async () => {
    const { bench, call, lab, transport } = await world();
    bench.apply(proxyOf([lab({ timeout: 12_345 })]));
    expect(answered(await call('work'))).toMatchObject({ content: [] });
    expect(transport.connections[0]!.received.some(({ method }) => method === 'tools/call')).toBe(false);
  });
});
