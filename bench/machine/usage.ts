import { readdirSync, readFileSync } from 'node:fs';

/** Memory of a process tree, in bytes. */
export interface Memory {
  /** Resident, shared pages counted in every process. */
  readonly rss: number;
  /** Resident, each shared page divided among those who share it. */
  readonly pss: number;
}

const NS_PER_TICK = 10_000_000;

/** A process and its live descendants. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of numbersIn('/proc')) {
    const parent = parentOf(pid);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** Nanoseconds the processes have spent on a core since they started, all threads together. */
export function cpuNs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuOf(pid), 0);
}

export function memoryOf(pids: readonly number[]): Memory {
  let [rss, pss] = [0, 0];
  for (const pid of pids) {
    const text = read(`/proc/${pid}/smaps_rollup`);
    rss += kilobytes(text, 'Rss');
    pss += kilobytes(text, 'Pss');
  }
  return { rss, pss };
}

/** Resident bytes alone: cheaper for the process that is looked at. */
export function rssOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + kilobytes(read(`/proc/${pid}/status`), 'VmRSS'), 0);
}

/** schedstat counts in nanoseconds, per thread; where the kernel lacks it stat has ticks of 10 ms. */
function cpuOf(pid: number): number {
  let sum = 0;
  for (const task of numbersIn(`/proc/${pid}/task`)) {
    const text = read(`/proc/${pid}/task/${task}/schedstat`);
    if (text === '') return ticksOf(pid) * NS_PER_TICK;
    sum += Number(text.slice(0, text.indexOf(' ')));
  }
  return sum;
}

function ticksOf(pid: number): number {
  const fields = statOf(pid);
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

function parentOf(pid: number): number | undefined {
  const [state, parent] = statOf(pid);
  return parent === undefined || state === 'Z' ? undefined : Number(parent);
}

/** The fields behind the name, which may itself contain blanks and parentheses: state, parent, … */
function statOf(pid: number): string[] {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? [] : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function kilobytes(text: string, key: string): number {
  const [, value = '0'] = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text) ?? [];
  return Number(value) * 1024;
}

function numbersIn(directory: string): number[] {
  try {
    return readdirSync(directory).map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Empty when it is gone: processes end while one looks. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
