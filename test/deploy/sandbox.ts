import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, descendants } from '../support/processes.js';
import { until } from '../support/wait.js';
import { environment, last } from './dockerfile.js';
import type { ImageTree } from './image-tree.js';
import { tool } from './tool.js';

const bwrap = tool('bubblewrap', 'bwrap');
const tini = tool('tini');
const setpriv = tool('setpriv');

/** What a container of the image may write to: the folders that `docker run --read-only` is given a tmpfs for. */
export const WRITABLE = ['/tmp', '/var/lib/mcp-gateway'];

/** Why there is no sandbox on this machine, or undefined when there is one. */
export function noSandbox(): string | undefined {
  if (!bwrap || !tini || !setpriv) return 'needs bubblewrap, tini and setpriv; npm run deploy:tools';
  if (process.getuid?.() !== 0) return 'needs root, to give it up in the sandbox';
  const probe = spawnSync(bwrap, ['--unshare-pid', '--ro-bind', '/', '/', '--proc', '/proc', 'true']);
  return probe.status === 0 ? undefined : `bubblewrap does not work here: ${probe.stderr}`;
}

/**
 * The image's own files under a read-only root, with the image's environment, user and entry point; below them the
 * machine's /usr instead of the base image's. The network is the machine's.
 */
export class Container {
  #output = '';

  private constructor(readonly process: ChildProcess) {
    for (const stream of [process.stdout, process.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.#output += chunk;
      });
    }
  }

  /** As `docker run --read-only -e … IMAGE args`. */
  static run(tree: ImageTree, env: Record<string, string>, args: readonly string[]): Container {
    const [uid = '', gid = ''] = (last(tree.instructions, 'USER') ?? '').split(':');
    const entry: string[] = JSON.parse(last(tree.instructions, 'ENTRYPOINT') ?? '[]');
    const drop = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs'];
    const variables = Object.entries({ PATH: '/usr/local/bin:/usr/bin', ...environment(tree.instructions), ...env });
    const command = [
      ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--as-pid-1', '--clearenv'],
      ...mounts(tree),
      ...variables.flatMap(([name, value]) => ['--setenv', name, value]),
      ...['--chdir', last(tree.instructions, 'WORKDIR') ?? '/', '--'],
      ...[...drop, '--bounding-set=-all', '--inh-caps=-all', ...entry, ...args],
    ];
    return new Container(spawn(bwrap!, command, { stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  output(): string {
    return this.#output;
  }

  /** Process 1 of the container, once it is what the entry point names. */
  async first(): Promise<number> {
    return until('process 1 of the container', () =>
      descendants(this.process.pid ?? 0).find((pid) => commandLine(pid).startsWith('tini ')),
    );
  }

  /** As `docker stop`: SIGTERM for process 1. */
  async stop(): Promise<number | null> {
    if (this.process.exitCode !== null) return this.process.exitCode;
    const gone = once(this.process, 'close');
    process.kill(await this.first(), 'SIGTERM');
    await gone;
    return this.process.exitCode;
  }

  async exited(): Promise<number | null> {
    if (this.process.exitCode === null) await once(this.process, 'close');
    return this.process.exitCode;
  }

  /** Ends it whatever it does: with process 1 everything in the container goes. */
  async close(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, 'close');
    const [first] = descendants(this.process.pid ?? 0);
    if (first === undefined) this.process.kill('SIGKILL');
    else process.kill(first, 'SIGKILL');
    await gone;
  }
}

function mounts({ root }: ImageTree): string[] {
  const machine = ['/etc/hosts', '/etc/resolv.conf', '/etc/nsswitch.conf'].filter((path) => existsSync(path));
  // bubblewrap makes missing parents for its own user alone.
  const open = (...paths: string[]) => paths.flatMap((path) => ['--perms', '0755', '--dir', path]);
  return [
    ...open('/etc', '/opt', '/var', '/var/lib'),
    ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin'],
    ...['--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64'],
    ...machine.flatMap((path) => ['--ro-bind', path, path]),
    ...[
      '--perms',
      '0755',
      '--tmpfs',
      '/usr/local',
      ...open('/usr/local/bin'),
      '--ro-bind',
      realpathSync(process.execPath),
      '/usr/local/bin/node',
    ],
    ...['--ro-bind', tini!, '/usr/local/bin/tini', '--remount-ro', '/usr/local'],
    ...['/opt/mcp-gateway', '/etc/mcp-gateway'].flatMap((path) => ['--ro-bind', join(root, path), path]),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...WRITABLE.flatMap((path) => ['--perms', '1777', '--tmpfs', path]),
    ...['--remount-ro', '/'],
  ];
}

/** Where a process may write, by the mounts it sees; what the kernel makes up (/proc, /dev) left out. */
export function writableMounts(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n');
  return lines
    .map((line) => line.split(' '))
    .filter(([, , , , path = '', options = '']) => options.split(',').includes('rw') && !/^\/(?:proc|dev)/.test(path))
    .map(([, , , , path = '']) => path)
    .sort();
}
