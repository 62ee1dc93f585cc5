import { afterEach, describe, expect, it, vi } from 'vitest';
import { exchangeOf, RecordingSink, toolCall } from '../testing/callers.js';
import { proxyOf, RegistryBench, ScriptedTransport, serverOf } from '../testing/registries.js';
import { type Received, ScriptedConnection } from '../testing/scripted-connection.js';

const benches: RegistryBench[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(benches.splice(0).map(({ registry }) => registry.stop(0)));
});

/** An upstream with sessions; the first one is the gateway's own. `held` calls are answered by the test. */
async function upstream(listening: Set<string>, held?: (call: Received) => void) {
  let ids = 0;
  const transport = new ScriptedTransport(() => {
    const connection = new ScriptedConnection('request', `session-${++ids}`);
    connection.welcome = {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {}, resources: { subscribe: true } },
      serverInfo: { name: 'scripted', version: '1' },
    };
    connection.onRequest = (call) => {
      if (call.method.endsWith('/list')) connection.answer(call, { tools: [], resources: [], resourceTemplates: [] });
      else if (held && call.method === 'tools/call') held(call);
      else connection.answer(call, {});
    };
    return connection;
  });
  const bench = new RegistryBench({ 'in-process': transport });
  benches.push(bench);
  const config = proxyOf([serverOf('up', 'in-process', {}, { state: 'session', protocol: 'legacy' })]);
  await bench.up(config, { isListening: (client) => listening.has(client) });
  const call = (who: Parameters<typeof exchangeOf>[0]) =>
    bench.upstream('up').send(toolCall('t'), exchangeOf(who), new RecordingSink());
  return { bench, call, connections: transport.connections, handle: bench.upstream('up') };
}

const heard = (connections: readonly ScriptedConnection[]) => connections.map(({ listening }) => listening);

describe('what an upstream says outside of requests is listened to', () => {
  it('on the session of one client, only once that can be told', async () => {
    const { bench, call, connections } = await upstream(new Set(['b']));
    await call({ session: 'a' });
    await call({ session: 'b' });
    expect(heard(connections)).toEqual([true, false, true]);
    bench.registry.clientListens('a');
    expect(heard(connections)).toEqual([true, true, true]);
  });

  it('from the start where the client may be asked something', async () => {
    const { call, connections } = await upstream(new Set());
    await call({ session: 'a', capabilities: { elicitation: {} } });
    expect(connections.at(-1)?.listening).toBe(true);
  });

  it('once the client watches something', async () => {
    const { call, connections, handle } = await upstream(new Set());
    await call({ session: 'a' });
    expect(connections.at(-1)?.listening).toBe(false);
    await handle.subscribe('lab://a', exchangeOf({ session: 'a' }), 'a');
    expect(connections.at(-1)?.listening).toBe(true);
  });

  it('once a call takes long, so that signs of life in the wrong place keep it alive', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    let running: Received | undefined;
    const { call, connections } = await upstream(new Set(), (received) => {
      running = received;
    });
    const answer = call({ session: 'a' });
    const connection = () => connections.at(-1) as ScriptedConnection;
    await vi.waitFor(() => expect(running).toBeDefined());
    expect(connection().listening).toBe(false);
    await vi.advanceTimersByTimeAsync(1_001);
    expect(connection().listening).toBe(true);
    connection().answer(running as Received, {});
    expect(await answer).toMatchObject({ kind: 'result' });
  });
});
