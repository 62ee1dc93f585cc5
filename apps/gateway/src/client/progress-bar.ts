import type { Progress } from '@modelcontextprotocol/sdk/types.js';
import { cut, firstLine, printable } from '../table.js';
import type { Terminal } from '../terminal.js';

const CELLS = 24;

/**
 * Progress of one call on standard error: a bar that is redrawn in place on a terminal, lines everywhere else. Whatever
 * else is written goes through `above`, or after `clear`, so that it never lands in the bar.
 */
export class ProgressBar {
  #drawn = '';

  constructor(private readonly terminal: Pick<Terminal, 'err' | 'errIsTty' | 'columns'>) {}

  show(progress: Progress): void {
    if (!this.terminal.errIsTty) {
      this.terminal.err(`${line(progress)}\n`);
      return;
    }
    this.clear();
    this.#drawn = cut(bar(progress), this.terminal.columns - 1);
    this.terminal.err(this.#drawn);
  }

  /** Writes a line, and the bar below it again. */
  above(text: string): void {
    const drawn = this.#drawn;
    this.clear();
    this.terminal.err(`${text}\n`);
    if (drawn === '') return;
    this.#drawn = drawn;
    this.terminal.err(drawn);
  }

  /** Takes the bar away: the call is over, or somebody is asked something. */
  clear(): void {
    if (this.#drawn === '') return;
    this.terminal.err('\r\u001b[2K');
    this.#drawn = '';
  }
}

function line({ progress, total, message }: Progress): string {
  return `[${progress}${total === undefined ? '' : `/${total}`}]${message ? ` ${printable(message)}` : ''}`;
}

/** Without a total there is no telling how far it is: the number alone. */
function bar({ progress, total, message }: Progress): string {
  const text = message ? `  ${firstLine(message)}` : '';
  if (total === undefined || !(total > 0)) return `${progress}${text}`;
  const share = Math.min(1, Math.max(0, progress / total));
  const full = Math.round(share * CELLS);
  return `${'█'.repeat(full)}${'░'.repeat(CELLS - full)} ${String(Math.round(share * 100)).padStart(3)} %${text}`;
}
