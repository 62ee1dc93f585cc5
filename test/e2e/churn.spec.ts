import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { Inspector } from '../support/inspector.js';
import { descendants, openFiles, ROOT } from '../support/processes.js';
import { RawSession } from '../support/raw.js';
import { stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const TINY = join(ROOT, 'test/fixtures/tiny-server.mjs');
const ROUNDS = 200;
const WARM_UP = 20;
const MIB = 1024 * 1024;
const cleanup = new Cleanup();
afterEach(() => cleanup.close());

/** One client's whole life: it connects, calls, and the upstream's children are killed under it. */
async function round(gateway: SpawnedGateway, n: number): Promise<void> {
  const session = await RawSession.open(gateway.mcp());
  await until('the call succeeds', async () => {
    const call = { name: 'victim:echo', arguments: { message: `${n}` } };
    const { result } = await session.request('tools/call', call);
    return JSON.stringify(result) === JSON.stringify({ content: [{ type: 'text', text: `${n}` }] });
  });
  const children = descendants(gateway.pid);
  for (const pid of children) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it went by itself
    }
  }
  await session.close();
  await until('the killed are gone', () => !descendants(gateway.pid).some((pid) => children.includes(pid)));
}

interface Holdings {
  readonly children: number;
  readonly files: number;
  readonly resources: Readonly<Record<string, number>>;
}

/** What the gateway holds: processes, open files, and what keeps its event loop busy apart from the moment itself. */
async function holdings(gateway: SpawnedGateway, inspector: Inspector): Promise<Holdings> {
  const { TickObject: _tick, Immediate: _immediate, ...resources } = await inspector.resources();
  return { children: descendants(gateway.pid).length, files: openFiles(gateway.pid), resources };
}

/** The same when nothing happens: with one child for the upstream, one that watches over it, and equal ten times in a row. */
async function atRest(gateway: SpawnedGateway, inspector: Inspector): Promise<Holdings> {
  let last: Holdings | undefined;
  let equal = 0;
  return until('it comes to rest', async () => {
    const now = await holdings(gateway, inspector);
    equal = JSON.stringify(now) === JSON.stringify(last) ? equal + 1 : 0;
    last = now;
    return now.children === 2 && equal >= 10 ? now : undefined;
  });
}

it('leaves no process, no handle and no memory behind after 200 connects, calls and kills', async () => {
  const proxy = { retry: { initial: '10ms', max: '50ms', multiplier: 2 }, heartbeat: { enabled: false } };
  const gateway = cleanup.add(
    await spawnGateway({ servers: [stdio('victim', TINY)], proxy }, { node: ['--inspect=127.0.0.1:0'] }),
  );
  await listed(gateway, 'victim');
  const inspector = cleanup.add(await Inspector.attach(gateway));

  for (let n = 0; n < 2; n++) await round(gateway, n);
  await listed(gateway, 'victim');
  const before = await atRest(gateway, inspector);

  for (let n = 0; n < WARM_UP; n++) await round(gateway, n);
  const early = await inspector.heap();
  for (let n = WARM_UP; n < ROUNDS; n++) await round(gateway, n);

  await until('it holds what it held before', async () => {
    expect(await holdings(gateway, inspector)).toEqual(before);
    return true;
  });
  const grown = (await inspector.heap()) - early;
  expect(grown / MIB).toBeLessThan(3);
}, 240_000);
