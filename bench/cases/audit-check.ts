import { closeSync, openSync, readSync } from 'node:fs';
import { until } from '../machine/wait.ts';

const PATIENCE = 10_000;
const NEW_LINE = 0x0a;

/** Whether the audit has a line for every call: what is not written costs nothing. */
export class AuditCheck {
  readonly #file: string;
  readonly #before: number;

  constructor(file: string) {
    this.#file = file;
    this.#before = linesIn(file);
  }

  /** What is missing, once the gateway has had time to write it. */
  async fault(calls: number): Promise<string | undefined> {
    const written = () => linesIn(this.#file) - this.#before;
    try {
      await until('the audit', PATIENCE, () => (written() >= calls ? true : undefined), 100);
      return undefined;
    } catch {
      return `the audit has ${written()} lines for ${calls} calls`;
    }
  }
}

function linesIn(file: string): number {
  let count = 0;
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.allocUnsafe(1 << 20);
    for (let bytes = readSync(descriptor, buffer); bytes > 0; bytes = readSync(descriptor, buffer)) {
      for (let at = buffer.indexOf(NEW_LINE); at >= 0 && at < bytes; at = buffer.indexOf(NEW_LINE, at + 1)) count += 1;
    }
  } finally {
    closeSync(descriptor);
  }
  return count;
}
