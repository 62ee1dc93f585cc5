import { closeSync, existsSync, openSync, readSync } from 'node:fs';

const CHUNK = 1024 * 1024;
const NEWLINE = 10;

/** How often each nonce ran, as upstreams wrote it down; read on from where the last look ended. */
export class Runs {
  readonly #file: string;
  readonly #counts = new Map<string, number>();
  #offset = 0;

  constructor(file: string) {
    this.#file = file;
  }

  of(nonce: string): number {
    return this.#counts.get(nonce) ?? 0;
  }

  nonces(): string[] {
    return [...this.#counts.keys()];
  }

  /** What is judged need not be kept. Should it run again, it is one that nobody asked for. */
  forget(nonce: string): void {
    this.#counts.delete(nonce);
  }

  /** Takes in what was written since. A line that is not complete yet is left for the next time. */
  read(): void {
    if (!existsSync(this.#file)) return;
    const chunk = Buffer.allocUnsafe(CHUNK);
    const file = openSync(this.#file, 'r');
    try {
      for (;;) {
        const bytes = chunk.subarray(0, readSync(file, chunk, 0, CHUNK, this.#offset));
        const end = bytes.lastIndexOf(NEWLINE) + 1;
        if (end === 0) return;
        this.#count(bytes.toString('utf8', 0, end));
        this.#offset += end;
      }
    } finally {
      closeSync(file);
    }
  }

  #count(lines: string): void {
    for (const nonce of lines.split('\n')) {
      if (nonce !== '') this.#counts.set(nonce, this.of(nonce) + 1);
    }
  }
}
