import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Peer, textOf } from '../support/client.js';
import { type FileConfig, listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { ROOT } from '../support/processes.js';
import { http as raw } from '../support/raw.js';
import { RecordingUpstream } from '../support/recording-upstream.js';
import { http, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const TINY = `${ROOT}/test/fixtures/tiny-server.mjs`;
const cleanup = new Cleanup();
afterEach(() => cleanup.close());

interface UpstreamReport {
  readonly name: string;
  readonly state: string;
  readonly reason?: string;
  readonly next_retry?: string;
  readonly breaker: { readonly state: string; readonly openings: number };
  readonly in_flight: number;
}

const start = async (config: FileConfig): Promise<SpawnedGateway> => cleanup.add(await spawnGateway(config));
const enter = async (gateway: SpawnedGateway): Promise<Peer> => cleanup.add(await connect(gateway.mcp()));

async function report(gateway: SpawnedGateway, name: string): Promise<UpstreamReport | undefined> {
  const { text } = await raw(`${gateway.url}/ready?verbose`, { method: 'GET' });
  return (JSON.parse(text) as { upstreams: UpstreamReport[] }).upstreams.find((one) => one.name === name);
}

const failure = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: { message: string; data: Record<string, unknown> }) => error,
  );

describe('an upstream that lists and answers pings, and no calls', () => {
  it('is held back for all but its neighbours, and let go on when it has proven itself', async () => {
    let hanging = true;
    const upstream = cleanup.add(
      await RecordingUpstream.start({ intercept: ({ rpc }) => hanging && rpc.method === 'tools/call' }),
    );
    const gateway = await start({
      servers: [
        { ...http('sick', upstream.url), connection: { url: upstream.url, timeout: '200ms', replay: 'never' } },
        stdio('well', TINY),
      ],
      proxy: { breaker: { minimum: 4, wait: '3s' }, retry: { initial: '100ms', max: '1s', multiplier: 2 } },
    });
    await listed(gateway, 'sick', 'well');
    const peer = await enter(gateway);
    const tools = (await peer.tools()).map(({ name }) => name).filter((name) => name.startsWith('sick:'));
    const timeouts = await Promise.all([0, 1, 2, 3, 4, 5].map((n) => failure(peer.call(tools[n % 3]!, {}))));
    expect(timeouts.map((error) => error?.data['code'])).toEqual(Array(6).fill('UPSTREAM_TIMEOUT'));
    // Should the wait be over before this call is made, the next two failures begin another one.
    let calls = 0;
    const held = await until('calls are held back', async () => {
      const error = await failure(peer.call(tools[calls++ % 3]!, {}));
      return error?.data['code'] === 'UPSTREAM_UNREACHABLE' && error;
    });
    expect(held.message).toMatch(/sick is temporarily unavailable: .* calls broke off or timed out/);
    expect(held.data).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', server: 'sick', breaker: 'open' });
    expect(await report(gateway, 'sick')).toMatchObject({ breaker: { openings: expect.any(Number) }, in_flight: 0 });
    expect(textOf(await peer.call('well:echo', { message: 'fine' }))).toBe('fine');
    expect((await peer.tools()).map(({ name }) => name)).toEqual(expect.arrayContaining(tools));
    hanging = false;
    await until('it has proven itself', async () => (await report(gateway, 'sick'))?.state === 'ready');
    expect(await failure(peer.call(tools[0]!, {}))).toBeUndefined();
    expect(await report(gateway, 'sick')).toMatchObject({ state: 'ready', breaker: { state: 'closed' } });
  });

  it('takes no more calls at a time than connection.concurrency', async () => {
    const upstream = cleanup.add(
      await RecordingUpstream.start({ intercept: ({ rpc }) => rpc.method === 'tools/call' }),
    );
    const gateway = await start({
      servers: [{ ...http('slow', upstream.url), connection: { url: upstream.url, concurrency: 3, pool: 1 } }],
    });
    await listed(gateway, 'slow');
    const peer = await enter(gateway);
    const [tool] = (await peer.tools()).map(({ name }) => name);
    const stop = new AbortController();
    const waiting = [1, 2, 3].map(() =>
      failure(peer.client.callTool({ name: tool!, arguments: {} }, undefined, { signal: stop.signal })),
    );
    // One has the socket, two wait for it.
    await until('all are there', async () => (await report(gateway, 'slow'))?.in_flight === 3);
    expect((await failure(peer.call(tool!, {})))?.data).toMatchObject({
      code: 'UPSTREAM_BUSY',
      key: 'proxy.servers[].connection.concurrency',
      mayHaveExecuted: false,
    });
    stop.abort();
    await Promise.all(waiting);
    await until('none is left', async () => (await report(gateway, 'slow'))?.in_flight === 0);
  });
});
