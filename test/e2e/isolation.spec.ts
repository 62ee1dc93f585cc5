import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Peer, textOf } from '../support/client.js';
import { listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { commandLine, descendants, ROOT } from '../support/processes.js';
import { http, startRich, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const TINY = join(ROOT, 'test/fixtures/tiny-server.mjs');
const SESSIONS = 16;
const cleanup = new Cleanup();
afterEach(() => cleanup.close());

/** The children of the gateway that run the victim. */
function victims(gateway: SpawnedGateway): number[] {
  return descendants(gateway.pid).filter((pid) => commandLine(pid).includes('tiny-server'));
}

/** Sixteen sessions that call the steady upstream without a pause until `stop`; every call must succeed. */
function work(peers: readonly Peer[]) {
  let running = true;
  let calls = 0;
  const lanes = peers.map(async (peer, lane) => {
    for (let n = 0; running; n++) {
      const message = `${lane}/${n}`;
      expect(textOf(await peer.call('steady:echo', { message }))).toBe(message);
      if (n % 10 === 0) expect((await peer.client.listTools()).tools.length).toBeGreaterThan(0);
      calls += 1;
    }
  });
  const all = Promise.all(lanes);
  all.catch(() => undefined);
  return {
    calls: () => calls,
    async stop() {
      running = false;
      await all;
    },
    /** Fails as soon as a lane failed. */
    check: () => Promise.race([all, Promise.resolve()]),
  };
}

async function setUp(retry: object, grace: string) {
  const rich = cleanup.add(await startRich('--page', '100'));
  const servers = [http('steady', rich.url), stdio('victim', TINY)];
  const gateway = cleanup.add(await spawnGateway({ servers, proxy: { retry, grace } }));
  await listed(gateway, 'steady', 'victim');
  const peers = await Promise.all(Array.from({ length: SESSIONS }, () => connect(gateway.mcp())));
  for (const peer of peers) cleanup.add(peer);
  return { gateway, peers };
}

describe('an upstream killed with -9 again and again', () => {
  it('harms no call to another, and is back each time', async () => {
    const { gateway, peers } = await setUp({ initial: '100ms', max: '400ms', multiplier: 2 }, '5m');
    const judge = cleanup.add(await connect(gateway.mcp()));
    const working = work(peers);
    for (let round = 0; round < 12; round++) {
      const before = await until('the victim runs', () => (victims(gateway).length > 0 ? victims(gateway) : undefined));
      for (const pid of before) process.kill(pid, 'SIGKILL');
      await until('another child took its place', () => victims(gateway).some((pid) => !before.includes(pid)));
      const message = `round ${round}`;
      await until('the victim answers', async () => textOf(await judge.call('victim:echo', { message })) === message);
      expect((await judge.tools()).map(({ name }) => name)).toContain('victim:echo');
      await working.check();
    }
    await working.stop();
    expect(working.calls()).toBeGreaterThan(SESSIONS * 12);
  });

  it('makes nobody else wait for the time of its next try', async () => {
    // The victim's next try is minutes away: whatever waited for it would never end within this test.
    const { gateway, peers } = await setUp({ initial: '10m', max: '10m', multiplier: 1 }, '10m');
    for (const pid of victims(gateway)) process.kill(pid, 'SIGKILL');
    await until('the victim is gone', () => victims(gateway).length === 0);
    const working = work(peers);
    const newcomer = cleanup.add(await connect(gateway.mcp()));
    expect((await newcomer.tools()).map(({ name }) => name)).toContain('steady:echo');
    await until('everybody has worked', () => working.calls() > SESSIONS * 10);
    await working.stop();
  });
});
