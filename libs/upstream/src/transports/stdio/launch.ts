import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { GatewayError, messageOf } from '#libs/kernel';
import type { UpstreamTarget } from '#libs/plugin';
import type { ChildPlace } from '../../pool/child-places.js';
import { subject } from '../shared/text.js';
import type { ChildEnvironment } from './child-environment.js';
import { ProcessGroup } from './process-group.js';

/** A running child, and the group it leads. */
export interface Launched {
  readonly child: ChildProcessWithoutNullStreams;
  readonly group: ProcessGroup;
}

/**
 * Starts the upstream's program: no shell, its own process group, and only the configured environment besides PATH and
 * HOME. Resolves when the program runs; from then on the place is given back when nothing of the group is left.
 *
 * @throws GatewayError UPSTREAM_UNREACHABLE that says what is wrong with the command
 */
export async function launch(
  target: UpstreamTarget,
  base: ChildEnvironment,
  place: ChildPlace,
  signal: AbortSignal,
): Promise<Launched> {
  const env = { PATH: base.PATH, HOME: base.HOME, ...target.env };
  const command = target.command ?? '';
  if (signal.aborted) throw unstartable(target, new Error('the attempt was given up'), env.PATH);
  let child: ChildProcessWithoutNullStreams;
  try {
    child = spawn(command, [...target.args], {
      shell: false,
      detached: true,
      windowsHide: true,
      env,
      cwd: target.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  } catch (thrown) {
    throw unstartable(target, thrown, env.PATH);
  }
  // Its number is there at once, unless it could not be started; the gateway may be stopped before it hears that it runs.
  const group = child.pid === undefined ? undefined : new ProcessGroup(child.pid, target.log, place);
  return await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(unstartable(target, error, env.PATH)));
    child.once('spawn', () => {
      child.removeAllListeners('error');
      // A failed kill or a broken pipe is reported by the streams and the exit.
      child.on('error', () => {});
      if (group) resolve({ child, group });
    });
  });
}

function unstartable(target: UpstreamTarget, thrown: unknown, path: string): GatewayError {
  const reason = explain(target, (thrown as NodeJS.ErrnoException).code, path) ?? messageOf(thrown);
  return new GatewayError('UPSTREAM_UNREACHABLE', `${subject(target)} could not be started: ${reason}`, {
    cause: thrown,
    notExecuted: true,
  });
}

function explain(target: UpstreamTarget, code: string | undefined, path: string): string | undefined {
  const { command = '', cwd } = target;
  if (cwd !== undefined && !isDirectory(cwd)) return `its directory ${cwd} does not exist; check connection.cwd`;
  const isPath = command.includes('/');
  const file = isPath ? (isAbsolute(command) ? command : resolve(cwd ?? '.', command)) : findOn(path, command);
  switch (code) {
    case 'ENOENT':
      if (file !== undefined && exists(file)) {
        return `${file} exists, but the interpreter its first line names does not; install it or name it as the command`;
      }
      return isPath
        ? `the file ${file} does not exist; check connection.command`
        : `the command "${command}" was not found in PATH (${path}); install it, or give its full path in connection.command`;
    case 'EACCES':
      return file !== undefined && isDirectory(file)
        ? `${file} is a directory; name the program in connection.command`
        : `${file ?? command} is not executable for this user; run "chmod +x" on it or start it through its interpreter` +
            (isPath ? '' : ` (PATH: ${path})`);
    case 'ENOEXEC':
      return `${file ?? command} is not a program this system can run; start scripts through their interpreter`;
    case 'E2BIG':
      return 'its arguments and environment are too long for the system; shorten connection.args or connection.env';
    case 'EAGAIN':
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
      return `the system is out of processes, files or memory (${code}); raise its limits or run fewer stdio upstreams`;
    default:
      return undefined;
  }
}

function findOn(path: string, command: string): string | undefined {
  const candidates = path.split(delimiter).map((directory) => join(directory || '.', command));
  return candidates.find((file) => isExecutable(file)) ?? candidates.find((file) => exists(file));
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function exists(file: string): boolean {
  try {
    accessSync(file, constants.F_OK);
    return true;
  } catch {
    return false;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return !isDirectory(file);
  } catch {
    return false;
  }
}
