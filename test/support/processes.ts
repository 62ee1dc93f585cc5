import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { until } from './wait.js';

/** The checkout's root. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The last 64 KiB of stdout and stderr. */
  output(): string;
  /** TERM, then KILL after five seconds; resolves when it is gone. */
  close(): Promise<void>;
}

export function startProcess(args: readonly string[], env: Record<string, string> = {}, cwd = ROOT): Running {
  return startCommand(process.execPath, args, env, cwd);
}

export function startCommand(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
  cwd = ROOT,
): Running {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-64 * 1024);
    });
  }
  const gone = once(child, 'close');
  return {
    child,
    pid: child.pid ?? 0,
    output: () => output,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await gone;
      clearTimeout(timer);
    },
  };
}

/** Waits for a line of the process's output that matches; fails at once when the process ended. */
export async function untilOutput(running: Running, pattern: RegExp): Promise<RegExpExecArray> {
  const found = await until(`output matching ${pattern}`, () => {
    const match = pattern.exec(running.output());
    if (match) return { match };
    return running.child.exitCode === null ? undefined : { match: null };
  });
  if (found.match) return found.match;
  throw new Error(`exited with ${running.child.exitCode} before ${pattern}:\n${running.output()}`);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Whether a process exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** All live descendants of a process. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z') continue;
      children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(entry)]);
    } catch {
      // it ended while we looked
    }
  }
  const found: number[] = [];
  for (let next = [root]; next.length > 0; ) {
    next = next.flatMap((pid) => children.get(pid) ?? []);
    found.push(...next);
  }
  return found;
}

/** How a process was called; empty when it is gone. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  } catch {
    return '';
  }
}

/**
 * Waits for the end of a process. Returns its exit code, and what of all its descendants of the time was still there when it
 * ended.
 */
export async function endsWith({ child, pid }: Pick<Running, 'child' | 'pid'>) {
  const known = new Map<number, string>();
  const look = () => {
    for (const descendant of descendants(pid)) known.set(descendant, commandLine(descendant));
  };
  look();
  const looking = setInterval(look, 5);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  clearInterval(looking);
  const left = [...known].filter(([descendant]) => isAlive(descendant)).map(([, command]) => command);
  return { code: child.exitCode, seen: known.size, left };
}

/** Resident bytes of a process. */
export function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** Open file descriptors of a process. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
