import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, type Stats } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';

const MAX_BYTES = 64 * 1024;

export interface SecretFile {
  /** Absolute. */
  readonly path: string;
  readonly content: Buffer | undefined;
  /** Without one trailing newline. */
  readonly text?: string;
  readonly problem?: string;
  readonly warning?: string;
}

/** Reads a regular file of at most `limit` bytes. Never blocks on a pipe. @throws Error with a sentence */
export function readBounded(path: string, limit: number): Buffer {
  return readWithStat(path, limit).content;
}

function readWithStat(path: string, limit: number): { content: Buffer; stat: Stats } {
  const handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile()) throw new Error('is not a regular file');
    const buffer = Buffer.alloc(limit + 1);
    let length = 0;
    for (;;) {
      const read = readSync(handle, buffer, length, buffer.length - length, null);
      length += read;
      if (read === 0 || length > limit) break;
    }
    if (length > limit) throw new Error(`is larger than ${limit / 1024} KiB`);
    return { content: Buffer.from(buffer.subarray(0, length)), stat };
  } finally {
    closeSync(handle);
  }
}

/** Says why a file could not be read, without a stack or a system call's name. */
export function readProblem(thrown: unknown): string {
  const code = (thrown as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user';
  if (code === 'EISDIR') return 'is a folder';
  return code ? `cannot be read (${code})` : (thrown as Error).message;
}

/** What `${file:…}` stands for. */
export function readSecretFile(reference: string, folder: string): SecretFile {
  const path = resolve(folder, reference);
  if (reference === '' || reference.includes('\0'))
    return { path, content: undefined, problem: 'has ${file:} without a path' };
  try {
    const { content, stat } = readWithStat(withinItsFolder(path), MAX_BYTES);
    if (!isUtf8(content)) return { path, content, problem: `the file ${path} is not UTF-8 text` };
    const text = content.toString('utf8').replace(/\r?\n$/, '');
    return { path, content, text, ...(isExposed(stat) && { warning: exposed(path) }) };
  } catch (thrown) {
    return { path, content: undefined, problem: `the file ${path} ${readProblem(thrown)}` };
  }
}

/**
 * Where a path really leads. Mounted secrets are links within their folder; a link out of it would let whoever may write
 * there have the gateway read anything.
 */
function withinItsFolder(path: string): string {
  const real = realpathSync(path);
  const folder = realpathSync(dirname(path));
  if (!real.startsWith(folder === sep ? sep : folder + sep)) {
    throw new Error('is a link that leads out of its folder; name the file it leads to');
  }
  return real;
}

function isExposed({ mode }: Stats): boolean {
  return process.platform !== 'win32' && (mode & 0o044) !== 0;
}

function exposed(path: string): string {
  return `the file ${path} can be read by more than its owner (chmod 600, or defaultMode: 0400 of a Kubernetes secret)`;
}
