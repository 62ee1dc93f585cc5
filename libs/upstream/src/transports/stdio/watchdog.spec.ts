import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { recordingLog } from '../../testing/registries.js';
import { script, Watchdog } from './watchdog.js';

const PATIENCE = { timeout: 20_000, interval: 20 };
const MODULE = pathToFileURL(join(import.meta.dirname, 'process-group.ts')).href;

/** Lets plain Node run these modules, whose imports name what they are compiled to. */
const SOURCES = `import { registerHooks } from 'node:module';
  registerHooks({ resolve: (name, context, next) => next(name.startsWith('./') ? name.replace(/js$/, 'ts') : name, context) });`;

let dir: string;
const started: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'watchdog-'));
});

afterAll(() => {
  for (const child of started.splice(0))
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function runs(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !['Z', 'X'].includes(stat.slice(stat.lastIndexOf(')') + 2)[0] as string);
  } catch {
    return false;
  }
}

const gone = (...pids: number[]) => vi.waitFor(() => expect(pids.filter(runs)).toEqual([]), PATIENCE);

/** A process that ignores everything it can, leading a group of its own; it says when it is ready. */
async function stubborn(): Promise<number> {
  const source = `for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.on(signal, () => {});
    setInterval(() => {}, 1000); console.log('up');`;
  const child = spawn(process.execPath, ['-e', source], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  started.push(child);
  await once(child.stdout!, 'data');
  return child.pid as number;
}

const startOf = (pid: number) => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
};

/** The script by itself, told these lines before its stdin ends. */
async function judge(shell: readonly string[], lines: readonly string[]): Promise<void> {
  const child = spawn(shell[0] as string, [...shell.slice(1), '-c', script(0.1)], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  started.push(child);
  child.stdin!.end(lines.map((line) => `${line}\n`).join(''));
  await once(child, 'exit');
}

const found = (name: string) => {
  try {
    return execFileSync('/bin/sh', ['-c', `command -v ${name}`])
      .toString()
      .trim();
  } catch {
    return undefined;
  }
};
const shells = [['/bin/sh'], ['bash', '--posix'], ['dash'], ['busybox', 'sh']].filter(([name]) =>
  found(name as string),
);

describe.each(shells)('the script in %s', (...shell) => {
  it('ends the groups it was told of and not told off again, and no others', async () => {
    const pids = [await stubborn(), await stubborn(), await stubborn(), await stubborn()] as const;
    const [a, b, c, d] = pids;
    const all = [a, b, c].map((pid) => `+ ${pid} ${startOf(pid)}`);
    await judge(shell, [...all, `- ${b}`, `- ${d}`, '- 1', 'nonsense', '']);
    await gone(a, c);
    expect([b, d].filter(runs)).toEqual([b, d]);
  });

  it('spares strangers who got the number of a group that is gone', async () => {
    const [stranger, child, unknown] = [await stubborn(), await stubborn(), await stubborn()];
    await judge(shell, [`+ ${stranger} 1`, `+ ${child} ${startOf(child)}`, `+ ${unknown} -`]);
    await gone(child, unknown);
    expect(runs(stranger)).toBe(true);
  });
});

/** A process like a gateway that has started this many stubborn children, each with a stubborn child of its own. */
async function parent(children: number): Promise<{ child: ChildProcess; pids: number[]; watchdog: number }> {
  const grandchild = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); process.send('up');`;
  const stubborn = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);
    const { spawn } = require('node:child_process');
    const g = spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    g.once('message', () => console.log(g.pid));`;
  const source = `${SOURCES}
    import { spawn } from 'node:child_process';
    import { once } from 'node:events';
    const { ProcessGroup, watchdog } = await import(${JSON.stringify(MODULE)});
    const pids = [];
    for (let i = 0; i < ${children}; i++) {
      const child = spawn(process.execPath, ['-e', ${JSON.stringify(stubborn)}], { detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
      new ProcessGroup(child.pid, { warn() {} });
      pids.push(child.pid, Number(await once(child.stdout, 'data')));
    }
    console.log(JSON.stringify({ pids, watchdog: watchdog.pid }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return { child, ...(JSON.parse(line.toString()) as { pids: number[]; watchdog: number }) };
}

describe.concurrent('a gateway that is killed', () => {
  it('takes its children and theirs along, also those that ignore SIGTERM and the end of stdin', async () => {
    const { child, pids, watchdog } = await parent(2);
    expect(pids.filter(runs)).toHaveLength(4);
    expect(runs(watchdog)).toBe(true);
    child.kill('SIGKILL');
    await gone(...pids, watchdog);
  });

  it('does so when its watchdog was killed before', async () => {
    const { child, pids, watchdog } = await parent(1);
    process.kill(watchdog, 'SIGKILL');
    const children = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
    const others = () => children().filter((pid) => runs(Number(pid)) && ![...pids, watchdog].includes(Number(pid)));
    await vi.waitFor(() => expect(others()).toHaveLength(1), PATIENCE);
    child.kill('SIGKILL');
    await gone(...pids);
  });

  it('does so when the watchdog was sent what the service was sent', async () => {
    const { child, pids, watchdog } = await parent(1);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(watchdog, signal);
    child.kill('SIGKILL');
    await gone(...pids);
  });
});

describe('the watchdog', () => {
  it('runs only while there are groups', async () => {
    const dog = new Watchdog();
    const [a, b] = [await stubborn(), await stubborn()];
    expect(dog.pid).toBeUndefined();
    dog.add(a, recordingLog().log);
    const pid = dog.pid as number;
    dog.add(b, recordingLog().log);
    expect([dog.pid, runs(pid)]).toEqual([pid, true]);
    dog.remove(a);
    dog.remove(b);
    expect(dog.pid).toBeUndefined();
    await dog.left(PATIENCE.timeout);
    expect(runs(pid)).toBe(false);
    expect([a, b].filter(runs)).toEqual([a, b]);
    dog.add(a, recordingLog().log);
    expect(dog.pid).not.toBe(pid);
    dog.remove(a);
  });

  it('is done without, and says so once, where there is no shell', async () => {
    const { log, lines } = recordingLog();
    const dog = new Watchdog(join(dir, 'none'));
    dog.add(await stubborn(), log);
    await vi.waitFor(() => expect(lines).toHaveLength(1), PATIENCE);
    expect(lines[0]).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(/no watchdog.*none.*ENOENT.*left over/),
    });
    dog.add(await stubborn(), log);
    expect([dog.pid, lines.length]).toEqual([undefined, 1]);
  });

  it('is not started for ever where the shell does not run it', async () => {
    const { log, lines } = recordingLog();
    const shell = join(dir, 'sh');
    const starts = join(dir, 'starts');
    writeFileSync(shell, `#!/bin/sh\necho start >>${starts}\nexit 3\n`);
    chmodSync(shell, 0o755);
    const dog = new Watchdog(shell);
    dog.add(await stubborn(), log);
    await vi.waitFor(() => expect(lines).toHaveLength(1), PATIENCE);
    expect(lines[0]?.message).toContain('it ended with 3, 3 times in a row');
    expect(readFileSync(starts, 'utf8').split('\n')).toHaveLength(4);
  });
});
