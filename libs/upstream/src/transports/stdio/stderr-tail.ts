import { StringDecoder } from 'node:string_decoder';
import { printable } from '../shared/text.js';

const MAX_LINES = 20;
const MAX_BYTES = 8 * 1024;
const MAX_LINE = 1_000;

const SECRET_NAME = /key|token|secret|passw|credential|auth/i;

/** The last lines a child wrote to stderr, bounded, printable, without the secrets it was given. */
export class StderrTail {
  readonly #decoder = new StringDecoder('utf8');
  readonly #secrets: readonly string[];
  #lines: string[] = [];
  #bytes = 0;
  #open = '';

  constructor(env: Readonly<Record<string, string>>) {
    this.#secrets = Object.entries(env)
      .filter(([name, value]) => SECRET_NAME.test(name) && value.length >= 8)
      .map(([, value]) => value);
  }

  push(chunk: Buffer): void {
    const text = this.#open + this.#decoder.write(chunk);
    const lines = text.split('\n');
    // A line without an end is not collected without an end.
    this.#open = (lines.pop() ?? '').slice(-4 * MAX_LINE);
    for (const line of lines.filter((text) => text.trim() !== '').slice(-MAX_LINES)) this.#keep(line);
  }

  lines(): readonly string[] {
    const open = this.#clean(this.#open);
    return open ? [...this.#lines, open].slice(-MAX_LINES) : [...this.#lines];
  }

  #keep(line: string): void {
    const clean = this.#clean(line);
    if (!clean) return;
    this.#lines.push(clean);
    this.#bytes += clean.length;
    while (this.#lines.length > MAX_LINES || this.#bytes > MAX_BYTES) this.#bytes -= this.#lines.shift()?.length ?? 0;
  }

  #clean(line: string): string {
    let text = line;
    for (const secret of this.#secrets) text = text.replaceAll(secret, '[secret]');
    return printable(text.trimEnd(), MAX_LINE);
  }
}
