import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { GatewayError } from '#libs/kernel';
import type {
  Connection,
  ConnectionListener,
  ConnectionStatus,
  OutboundRequest,
  ReplySink,
  UpstreamTarget,
} from '#libs/plugin';
import { idFromEnds, mayBeResponse } from '../shared/ends.js';
import { SharedChannel } from '../shared/shared-channel.js';
import { excerpt, size, subject } from '../shared/text.js';
import { readFairly } from './fair-read.js';
import { groupMemory } from './group-memory.js';
import type { Launched } from './launch.js';
import { LineReader, toLine } from './line-reader.js';
import type { ProcessGroup } from './process-group.js';
import { StderrTail } from './stderr-tail.js';

/** How long each step of the shutdown may take, in milliseconds: end of stdin, then SIGTERM, then SIGKILL. */
export interface ShutdownTimes {
  readonly stdin: number;
  readonly term: number;
  readonly kill: number;
}

export const SHUTDOWN_TIMES: ShutdownTimes = { stdin: 2_000, term: 2_000, kill: 1_000 };

/** What a dead child's pipes still hold is read for this long; a grandchild may keep them open for ever. */
const LAST_WORDS = 200;

/** What may wait for a child that does not read its stdin, in bytes. */
const MAX_QUEUED = 64 * 1024 * 1024;

/** One child process and the conversation over its stdin and stdout. */
export class StdioConnection implements Connection {
  readonly attribution = 'connection';
  readonly sessionId = undefined;
  readonly #target: UpstreamTarget;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #group: ProcessGroup;
  readonly #times: ShutdownTimes;
  readonly #channel: SharedChannel;
  readonly #stderr: StderrTail;
  #ending: Promise<void> | undefined;

  constructor(target: UpstreamTarget, { child, group }: Launched, listener: ConnectionListener, times: ShutdownTimes) {
    this.#target = target;
    this.#child = child;
    this.#group = group;
    this.#times = times;
    this.#channel = new SharedChannel(subject(target), target.log, listener);
    this.#stderr = new StderrTail(target.env);
    const lines = new LineReader(target.limits.response, {
      onLine: (line) => this.#channel.receive(line),
      onOversize: (head, tail, bytes) => this.#oversize(head, tail, bytes),
    });
    readFairly(child.stdout, (chunk) => lines.push(chunk));
    readFairly(child.stderr, (chunk) => this.#stderr.push(chunk));
    for (const stream of [child.stdout, child.stderr]) stream.on('error', () => {});
    child.stdin.on('error', () => this.#gone('closed its stdin'));
    child.stdout.once('end', () => this.#gone('closed its stdout'));
    child.once('exit', () => this.#gone());
  }

  send(request: OutboundRequest, sink: ReplySink): { abandon(): void } {
    const full = this.#full();
    if (full) process.nextTick(() => sink.onError(full));
    // A failed write ends the child's conversation, which fails every open request.
    else if (this.#channel.open(request.id, sink)) {
      this.#child.stdin.write(toLine(request.body), (error) => error && this.#channel.unwritten(request.id));
    }
    return { abandon: () => this.#channel.abandon(request.id, sink) };
  }

  async post(message: Buffer): Promise<void> {
    const refusal = this.#channel.ended ?? this.#full();
    if (refusal) throw refusal;
    await new Promise<void>((resolve, reject) => {
      this.#child.stdin.write(toLine(message), (error) => {
        if (error) reject(this.#channel.ended ?? this.#error('closed its stdin'));
        else resolve();
      });
    });
  }

  setProtocolVersion(): void {}

  listen(): void {}

  status(): ConnectionStatus {
    const { pid } = this.#group;
    return {
      pid,
      stderr: this.#stderr.lines(),
      get rss() {
        return groupMemory(pid);
      },
    };
  }

  close(): Promise<void> {
    this.#channel.close(
      new GatewayError('UPSTREAM_DISCONNECTED', `${subject(this.#target)} was stopped by the gateway`),
    );
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** The child ended, or cut one of its pipes: without both there is no conversation. */
  #gone(how?: string): void {
    if (this.#channel.ended) return;
    // What it said last is often still in the pipes, and explains why.
    void this.#lastWords(how === undefined).then(() => {
      if (this.#channel.ended) return;
      this.#ending ??= this.#end();
      this.#channel.fail(this.#error(how));
    });
  }

  /** Waits, bounded, for the exit and for what is left in the pipes. */
  async #lastWords(exited: boolean): Promise<void> {
    const { stdout, stderr } = this.#child;
    const signal = AbortSignal.timeout(LAST_WORDS);
    const waits = [stdout, stderr]
      .filter((s) => !s.readableEnded && !s.destroyed)
      .map((s) => once(s, 'close', { signal }));
    if (!exited && this.#running()) waits.push(once(this.#child, 'exit', { signal }));
    await Promise.allSettled(waits);
  }

  /** stdin closed, SIGTERM, SIGKILL, each with its time; then nothing of the group is left, or nothing can be done. */
  async #end(): Promise<void> {
    this.#group.ending();
    this.#child.stdin.end();
    // What a child leaves behind was told nothing by the end of its stdin: it gets the signals at once.
    if ((await this.#exited(this.#times.stdin)) && !this.#group.alive()) return this.#letGo();
    this.#group.signal('SIGTERM');
    if (!(await this.#group.gone(this.#times.term))) {
      this.#group.signal('SIGKILL');
      if (!(await this.#group.gone(this.#times.kill))) {
        this.#target.log.error({ pid: this.#group.pid }, `${subject(this.#target)} does not end, not even by SIGKILL`);
        this.#group.linger();
      }
    }
    await this.#exited(this.#times.kill);
    this.#letGo();
  }

  #letGo(): void {
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) stream.destroy();
  }

  #running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async #exited(milliseconds: number): Promise<boolean> {
    if (!this.#running()) return true;
    const timer = new AbortController();
    const timeout = setTimeout(() => timer.abort(), milliseconds);
    await once(this.#child, 'exit', { signal: timer.signal }).catch(() => {});
    clearTimeout(timeout);
    return !this.#running();
  }

  #full(): GatewayError | undefined {
    if (this.#child.stdin.writableLength < MAX_QUEUED) return undefined;
    return new GatewayError(
      'UPSTREAM_BUSY',
      `${subject(this.#target)} does not read its stdin (${size(MAX_QUEUED)} wait there); it may hang, see its stderr`,
      { notExecuted: true, data: { stderr: this.#stderr.lines() } },
    );
  }

  #oversize(head: Buffer, tail: Buffer, bytes: number): void {
    if (!mayBeResponse(head)) {
      this.#target.log.warn(
        { bytes, text: excerpt(head) },
        `${subject(this.#target)} sent a line of ${size(bytes)} that answers nothing; it was dropped`,
      );
      return;
    }
    const id = idFromEnds(head, tail);
    const error = new GatewayError(
      'UPSTREAM_TOO_LARGE',
      `${subject(this.#target)} sent a message of ${size(bytes)}, over the limit of ${size(this.#target.limits.response)}; ` +
        'raise connection.limits.response if that is wanted',
      { data: { key: 'proxy.servers[].connection.limits.response' } },
    );
    // An answer that cannot be told is an answer to any of them: better a clear failure than a wait for the timeout.
    if (id === undefined) this.#channel.failPending(error);
    else this.#channel.failOne(id, error);
  }

  #error(how?: string): GatewayError {
    const { exitCode, signalCode } = this.#child;
    const stderr = this.#stderr.lines();
    const what =
      signalCode !== null
        ? `was ended by ${signalCode}`
        : exitCode !== null
          ? `exited with code ${exitCode}`
          : `${how ?? 'ended'} while it was still running`;
    const said =
      stderr.length > 0
        ? `; its last words on stderr: ${stderr.slice(-3).join(' | ')}`
        : '; it left no words on stderr';
    return new GatewayError('UPSTREAM_DISCONNECTED', `${subject(this.#target)} ${what}${said}`, {
      data: {
        stderr,
        ...(exitCode === null ? {} : { exitCode }),
        ...(signalCode === null ? {} : { signal: signalCode }),
      },
    });
  }
}
