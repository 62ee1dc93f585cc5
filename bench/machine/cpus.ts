import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';

/** Who runs where. Undefined where there is only one core, or no `taskset`: then nothing is pinned. */
export interface Placement {
  readonly gateway: number | undefined;
  readonly load: number | undefined;
  readonly upstream: number | undefined;
}

const DIES_WITH_US = works('setpriv', '--pdeathsig', 'KILL', 'true');

export const UNPINNED: Placement = { gateway: undefined, load: undefined, upstream: undefined };

/** What is measured gets a core of its own; load and upstream share another, or have one each where there are three. */
export function placement(
  allowed = allowedCpus(),
  hasTaskset = works('taskset', '-p', String(process.pid)),
): Placement {
  if (allowed.length < 2 || !hasTaskset) return UNPINNED;
  // Device interrupts tend to go to the first core: what is measured gets the last one.
  return { gateway: allowed.at(-1), load: allowed[0], upstream: allowed.length > 2 ? allowed[1] : allowed[0] };
}

/** The cores this process may use, in ascending order. */
export function allowedCpus(): number[] {
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return parseCpuList(list);
}

/** `0-2,5` as the kernel writes it. */
export function parseCpuList(list: string): number[] {
  return list
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/** Moves this process with all its threads to one core. */
export function pinThisProcess(cpu: number | undefined): void {
  if (cpu !== undefined) execFileSync('taskset', ['-a', '-p', '-c', String(cpu), String(process.pid)]);
}

/**
 * The command that runs `command` on one core, and ends it when this process dies without a farewell. Both helpers
 * replace themselves, so the process id is the command's.
 */
export function onCpu(cpu: number | undefined, command: readonly string[]): readonly string[] {
  const tied = DIES_WITH_US ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  return [...tied, ...(cpu === undefined ? [] : ['taskset', '-c', String(cpu)]), ...command];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
}

export function machine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    kernel: release(),
    node: process.versions.node,
  };
}

function works(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
