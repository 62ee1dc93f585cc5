import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onCpu } from './cpus.ts';
import { until } from './wait.ts';

export interface StartOptions {
  readonly cpu?: number | undefined;
  readonly env?: Record<string, string>;
  /** Flags for Node itself. */
  readonly nodeFlags?: readonly string[];
}

/** One process of a run. Its output goes to a file, as it would in production; a pipe would cost this process CPU time. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** `performance.now()` before it was started. */
  readonly startedAt: number;
  output(): string;
  isAlive(): boolean;
  /** The first match in its output. @throws Error with the output when it ended, or after `ms` */
  says(pattern: RegExp, ms?: number): Promise<RegExpExecArray>;
  /** TERM, after five seconds KILL; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts processes and ends every one of them, by its id, whatever happens. */
export class Processes {
  readonly directory: string;
  readonly #running = new Map<ChildProcess, Running>();
  readonly #killAll = () => {
    for (const child of this.#running.keys()) child.kill('SIGKILL');
  };
  #count = 0;
  #closed = false;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
    process.on('exit', this.#killAll);
  }

  get all(): readonly Running[] {
    return [...this.#running.values()];
  }

  /** Runs a script with this Node. */
  start(name: string, args: readonly string[], options: StartOptions = {}): Running {
    if (this.#closed) throw new Error('the run has ended');
    const logFile = join(this.directory, `${String(this.#count++).padStart(3, '0')}-${name}.log`);
    const out = openSync(logFile, 'a');
    const command = [process.execPath, ...(options.nodeFlags ?? []), ...args];
    const [program = '', ...rest] = onCpu(options.cpu, command);
    const startedAt = performance.now();
    const child = spawn(program, rest, {
      // Only what a service would get: a variable of this shell must not change what is measured.
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_ENV: 'production', ...options.env },
      stdio: ['ignore', out, out],
    });
    closeSync(out);
    const gone = once(child, 'close').catch(() => undefined);
    const running = new RunningProcess(name, child, logFile, startedAt, gone);
    this.#running.set(child, running);
    void gone.then(() => this.#running.delete(child));
    return running;
  }

  /** Ends all of them; none can be started any more. */
  async stopAll(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.all.map((running) => running.stop()));
    process.off('exit', this.#killAll);
  }
}

class RunningProcess implements Running {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly startedAt: number;
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;

  constructor(name: string, child: ChildProcess, logFile: string, startedAt: number, gone: Promise<unknown>) {
    this.name = name;
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.logFile = logFile;
    this.startedAt = startedAt;
    this.#gone = gone;
  }

  output(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  isAlive(): boolean {
    return this.pid !== 0 && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  says(pattern: RegExp, ms = 30_000): Promise<RegExpExecArray> {
    const look = () => {
      const alive = this.isAlive();
      const match = pattern.exec(this.output());
      if (match) return match;
      if (!alive) throw new Error(`${this.name} ended with ${this.#child.exitCode}:\n${this.output().slice(-4096)}`);
      return undefined;
    };
    // Starts are timed by this.
    return until(`${this.name}: ${pattern}`, ms, look, 2);
  }

  async stop(): Promise<void> {
    if (!this.isAlive()) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await this.#gone;
    clearTimeout(timer);
  }
}
