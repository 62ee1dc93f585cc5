import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type Log, messageOf } from '#libs/kernel';
import { LineQueue } from './line-queue.js';

/** Bytes that may wait for the disk; what comes on top is lost, and counted. */
const MAX_QUEUED = 4 * 1024 * 1024;
/** Milliseconds between two tries while the disk refuses, and between two looks whether the file was moved away. */
const PAUSE = 1_000;
/** Milliseconds that lines are gathered for one write: a write costs as much as the call it tells of. */
const GATHER = 20;
/** Bytes that are not gathered any further. */
const ENOUGH = 64 * 1024;
/** Non-blocking, so that a pipe nobody reads cannot hold the start. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
/** It tells who did what: not for everybody. A file that is there keeps its mode. */
const MODE = 0o600;

/**
 * Lines appended to a file by one writer, without ever making the one who writes wait. A file that was moved away
 * (rotation) is opened anew under its name. While the disk refuses, lines wait within a bound and are tried again.
 */
export class AuditFile {
  readonly #lines = new LineQueue(MAX_QUEUED);
  #work: Promise<void> | undefined;
  #lost = 0;
  /** Lost since nothing waited for the last time: said once, and once more when all is well again. */
  #missing = 0;
  #failing = false;
  #looked = performance.now();
  #wake: (() => void) | undefined;
  #closing = false;

  private constructor(
    readonly path: string,
    private handle: FileHandle,
    private readonly log: Log,
  ) {}

  /** @throws Error with a sentence that says why it cannot be written */
  static async open(path: string, log: Log): Promise<AuditFile> {
    return new AuditFile(path, await openForAppending(path), log);
  }

  /** Lines that never reached the file. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    if (!this.#lines.add(line)) this.#lose(1, 'lines come faster than the disk takes them');
    else this.#work ??= this.#drain();
  }

  /** Writes what waits, with one last try where the disk refuses, and closes the file. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wake?.();
    await this.#work;
    if (this.#lines.bytes > 0) this.#lose(this.#lines.count(), 'the gateway stops');
    await this.handle.close().catch(() => {});
  }

  async #drain(): Promise<void> {
    while (this.#lines.bytes > 0) {
      if (this.#lines.bytes < ENOUGH && !this.#closing) await this.#pause(GATHER);
      try {
        await this.#followRotation();
        await this.#writeAll();
        this.#failing = false;
      } catch (thrown) {
        this.#refused(thrown);
        if (this.#closing) break;
        await this.#pause(PAUSE);
      }
    }
    this.#work = undefined;
  }

  /** What came before this began; what comes meanwhile is gathered in its turn. */
  async #writeAll(): Promise<void> {
    for (let left = this.#lines.bytes; left > 0; ) {
      const { bytes, start, end } = this.#lines.first();
      const { bytesWritten } = await this.handle.write(bytes, start, end - start);
      if (bytesWritten === 0) throw new Error('nothing could be written');
      this.#lines.written(bytesWritten);
      left -= bytesWritten;
    }
    if (this.#lines.bytes === 0) this.#caughtUp();
  }

  async #followRotation(): Promise<void> {
    if (!this.#failing && performance.now() - this.#looked < PAUSE) return;
    this.#looked = performance.now();
    const [here, named] = await Promise.all([this.handle.stat(), stat(this.path).catch(() => undefined)]);
    if (named && named.ino === here.ino && named.dev === here.dev) return;
    const old = this.handle;
    this.handle = await openForAppending(this.path);
    await old.close().catch(() => {});
    // The beginning of a torn line is in the old file; the whole line goes into the new one.
    this.#lines.untear();
  }

  #lose(lines: number, why: string): void {
    if (this.#missing === 0) {
      this.log.warn(
        { path: this.path },
        `audit lines are being lost: ${why} (${this.path}); the metric mcp_gateway_audit_lines_lost counts them`,
      );
    }
    this.#missing += lines;
    this.#lost += lines;
  }

  #refused(thrown: unknown): void {
    if (!this.#failing) {
      this.log.warn(
        { path: this.path, err: thrown },
        `the audit file ${this.path} cannot be written: ${whyNot(thrown)}; lines wait in memory (at most 4 MiB) and it is tried again every second`,
      );
    }
    this.#failing = true;
  }

  #caughtUp(): void {
    if (this.#failing || this.#missing > 0) {
      this.log.info({ path: this.path, lost: this.#missing }, `the audit file is written again (${this.path})`);
    }
    this.#missing = 0;
  }

  async #pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}

async function openForAppending(path: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path, FLAGS, MODE);
  } catch (thrown) {
    throw new Error(whyNot(thrown), { cause: thrown });
  }
  const opened = await handle.stat();
  if (opened.isFile() || opened.isCharacterDevice()) return handle;
  await handle.close();
  throw new Error('it is not a regular file');
}

/** Why a file cannot be written, as the end of a sentence. */
export function whyNot(thrown: unknown): string {
  switch ((thrown as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'its folder does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not write it';
    case 'EISDIR':
      return 'it is a folder';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full';
    case 'ENXIO':
      return 'it is not a regular file';
    default:
      return messageOf(thrown);
  }
}
