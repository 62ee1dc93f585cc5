import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { isAlive } from '../../support/processes.js';

/** Processes, of this run or not, whose environment has this `NAME=value`. */
export function processesWith(variable: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => environment(pid).includes(variable))
    .map(Number)
    .filter(isAlive);
}

function environment(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return []; // somebody else's, or gone
  }
}

/** What a process holds open, by kind: `socket`, `pipe`, `file`, ... */
export function handlesOf(pid: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const kind = kindOf(pid, fd);
    if (kind !== undefined) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

function kindOf(pid: number, fd: string): string | undefined {
  try {
    const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    return target.startsWith('/') ? 'file' : target.replace(/:?\[.*$/, '').replace('anon_inode:', '');
  } catch {
    return undefined; // closed while we looked
  }
}

/** Kinds of handles there are more of than before, as `socket 4 -> 7`. */
export function moreHandles(before: Record<string, number>, after: Record<string, number>): string[] {
  return Object.entries(after)
    .filter(([kind, count]) => count > (before[kind] ?? 0))
    .map(([kind, count]) => `${kind} ${before[kind] ?? 0} -> ${count}`);
}

/** Ports that outgoing connections are not given, so that a server gets its own again when it comes back. */
let nextPort = 20_000 + (process.pid % 10_000);

export async function lastingPort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = nextPort;
    nextPort = nextPort >= 31_999 ? 20_000 : nextPort + 1;
    if (await isFree(port)) return port;
  }
  throw new Error('no free port from 20000 to 31999');
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
