import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileConfig, listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { commandLine, descendants, endsWith, isAlive, ROOT } from '../support/processes.js';
import { RawSession } from '../support/raw.js';
import { RICH, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

// However the gateway ends, nothing it started is left.

const TINY = join(ROOT, 'test/fixtures/tiny-server.mjs');
const cleanup = new Cleanup();
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-gateway-orphans-'));
  cleanup.run(() => rmSync(dir, { recursive: true, force: true }));
});

afterEach(() => cleanup.close());

/** A server that ignores the end of its stdin and SIGTERM, as does the process that it starts itself. */
function stubborn(): string {
  const file = join(dir, 'stubborn.mjs');
  const grandchild = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);`;
  writeFileSync(
    file,
    `import { spawn } from 'node:child_process';
     process.on('SIGTERM', () => {});
     setInterval(() => {}, 1000);
     process.exit = () => {};
     spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], { stdio: 'ignore' });
     await import(${JSON.stringify(TINY)});`,
  );
  return file;
}

/** A server that never gets as far as answering, and ignores SIGTERM. It notes that it runs. */
function hanging(): string {
  const file = join(dir, 'hanging.mjs');
  writeFileSync(
    file,
    `import { appendFileSync } from 'node:fs';
     process.on('SIGTERM', () => {});
     setInterval(() => {}, 1000);
     appendFileSync(${JSON.stringify(join(dir, 'hanging'))}, process.pid + ' ');`,
  );
  return file;
}

async function start(config: FileConfig): Promise<SpawnedGateway> {
  const gateway = cleanup.add(await spawnGateway(config));
  // Should a test fail, what it left over goes all the same.
  const known = new Set<number>();
  cleanup.run(() => {
    for (const pid of known) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  await until('there are children', () => {
    for (const pid of descendants(gateway.pid)) known.add(pid);
    return known.size > 0;
  });
  return gateway;
}

const watchdogs = (pids: readonly number[]) => pids.filter((pid) => commandLine(pid).includes('mcp-gateway-watchdog'));

async function allGone(gateway: SpawnedGateway, pids: readonly number[]): Promise<void> {
  await until('the gateway and all it started are gone', () => [gateway.pid, ...pids].every((pid) => !isAlive(pid)));
}

/** Three upstreams, one of them stubborn, and a child of a client that may be asked something. */
async function world(): Promise<{ gateway: SpawnedGateway; pids: number[] }> {
  const servers = [stdio('a', RICH), stdio('b', TINY), stdio('stubborn', stubborn())];
  const gateway = await start({ servers });
  await listed(gateway, 'a', 'b', 'stubborn');
  const session = await RawSession.open(gateway.mcp(), { capabilities: { elicitation: {} } });
  await session.request('tools/call', { name: 'stubborn:echo', arguments: { message: 'x' } });
  // Each upstream twice (what is offered differs by what a client can be asked), the stubborn one's own children, and the
  // watchdog. What was only asked for its era is stopped by and by.
  const pids = await until('only what serves is left', () => {
    const found = descendants(gateway.pid);
    if (found.length === 9) return found;
    throw new Error(found.map((pid) => commandLine(pid).slice(-40)).join(', '));
  });
  expect(watchdogs(pids)).toHaveLength(1);
  return { gateway, pids };
}

describe('after the gateway', () => {
  it('was killed, all children and theirs are gone, also those that ignore SIGTERM and the end of stdin', async () => {
    const { gateway, pids } = await world();
    gateway.child.kill('SIGKILL');
    await allGone(gateway, pids);
  });

  it('was killed together with its watchdog’s predecessor, they are gone all the same', async () => {
    const { gateway, pids } = await world();
    const [first] = watchdogs(pids);
    process.kill(first as number, 'SIGKILL');
    const second = await until('there is another watchdog', () => watchdogs(descendants(gateway.pid))[0]);
    gateway.child.kill('SIGKILL');
    await allGone(gateway, [...pids, second]);
  });

  it('was told to stop, nothing is left, the watchdog included', async () => {
    const { gateway, pids } = await world();
    gateway.child.kill('SIGTERM');
    const { code, left, seen } = await endsWith(gateway);
    expect([code, left]).toEqual([0, []]);
    expect(seen).toBeGreaterThanOrEqual(pids.length);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('got %s again and again while children were starting', async (signal) => {
    const servers = ['a', 'b', 'c'].map((name) => stdio(name, hanging()));
    const gateway = await start({ servers });
    const running = () => {
      const noted = readFileSync(join(dir, 'hanging'), 'utf8').trim().split(' ').map(Number);
      return noted.length >= 3 && noted;
    };
    const noted = await until('some hang', running);
    const pids = [...noted, ...descendants(gateway.pid)];
    await until('it ends', () => {
      gateway.child.kill(signal);
      return !isAlive(gateway.pid);
    });
    await allGone(gateway, pids);
  });

  it('ended by a defect, nothing is left', async () => {
    const plugin = join(dir, 'defect.mjs');
    writeFileSync(
      plugin,
      `import { Module } from '@nestjs/common';
       process.on('SIGUSR2', () => { throw new Error('a defect'); });
       export class Defect {}
       Module({ providers: [] })(Defect);`,
    );
    const servers = [stdio('a', RICH), stdio('stubborn', stubborn()), stdio('hangs', hanging())];
    const gateway = await start({ servers, sections: { plugins: [plugin] } });
    await listed(gateway, 'a', 'stubborn');
    const pids = descendants(gateway.pid);
    gateway.child.kill('SIGUSR2');
    await allGone(gateway, pids);
    expect(gateway.child.exitCode).toBe(1);
  });
});
