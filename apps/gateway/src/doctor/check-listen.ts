import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';
import { request } from 'undici';
import type { GatewayConfig } from '#libs/config';
import type { Finding } from './finding.js';

const DOCS = 'docs/operations.md';

/** Whether the addresses that a gateway would listen on are free, and who has them otherwise. */
export async function checkListen({ server, metrics }: GatewayConfig, patience: number): Promise<Finding[]> {
  const places = [{ host: server.host, port: server.port, key: 'server.port' }];
  const own = metrics.enabled && metrics.listen !== null ? /^\[?(.*?)\]?:(\d+)$/.exec(metrics.listen) : null;
  if (own) places.push({ host: own[1] ?? '', port: Number(own[2]), key: 'metrics.listen' });
  return Promise.all(places.map((place) => checkPlace(place, patience)));
}

interface ListenPlace {
  readonly host: string;
  readonly port: number;
  readonly key: string;
}

async function checkPlace({ host, port, key }: ListenPlace, patience: number): Promise<Finding> {
  const subject = 'listen';
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const code = await codeOfListening(host, port);
  switch (code) {
    case undefined:
      return { level: 'ok', subject, text: `${place} is free` };
    case 'EADDRINUSE': {
      const [gateway, owner] = [await isGateway(host, port, patience), ownerOf(port)];
      const who = owner === undefined ? 'a process of somebody else' : `${owner.command} (pid ${owner.pid})`;
      if (gateway) return { level: 'ok', subject, text: `${place} is in use by a running gateway, ${who}` };
      const fix = `stop it, or choose another port with ${key}`;
      return { level: 'problem', subject, text: `${place} is in use by ${who}`, fix, docs: DOCS };
    }
    case 'EACCES':
      return {
        level: 'problem',
        subject,
        text: `${place} needs privileges that this user does not have`,
        fix: `choose a port above 1023 with ${key}`,
        docs: DOCS,
      };
    default:
      return {
        level: 'problem',
        subject,
        text: `${place} is no address of this machine (${code})`,
        fix: key === 'server.port' ? 'correct server.host' : `correct ${key}`,
        docs: DOCS,
      };
  }
}

function codeOfListening(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message));
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
}

/** Whether what listens answers as a gateway does. */
async function isGateway(host: string, port: number, patience: number): Promise<boolean> {
  const name = host === '0.0.0.0' || host === 'localhost' ? '127.0.0.1' : host === '::' ? '::1' : host;
  try {
    const url = `http://${name.includes(':') ? `[${name}]` : name}:${port}/live`;
    const { statusCode, body } = await request(url, { signal: AbortSignal.timeout(patience) });
    return statusCode === 200 && /"status":"ok"/.test(await body.text());
  } catch {
    return false;
  }
}

/** The process that listens on a port, where the system tells: on Linux, for processes of this user. */
function ownerOf(port: number): { pid: number; command: string } | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeners(table, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of entries('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const holds = entries(`/proc/${pid}/fd`).some((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`)) ?? [];
      return inode !== undefined && inodes.has(inode);
    });
    if (holds) return { pid: Number(pid), command: programOf(pid) };
  }
  return undefined;
}

/** The program alone: arguments may hold what nobody should see, and `comm` is the name of a thread (MainThread in Node). */
function programOf(pid: string): string {
  const program = basename(link(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
  return program || text(`/proc/${pid}/comm`).trim() || 'a process';
}

/** Inodes of sockets in state LISTEN (0A) on this port. */
function listeners(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return text(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => local.endsWith(wanted) && state === '0A')
    .flatMap((columns) => columns[9] ?? []);
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
