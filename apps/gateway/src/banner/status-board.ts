import type { UpstreamStatus } from '#libs/plugin';
import { cut, firstLine, table } from '../table.js';
import type { Terminal } from '../terminal.js';

const HEADER = ['SERVER', 'STATE', 'TOOLS', 'PROMPTS', 'RESOURCES', 'PROTOCOL', 'NOTE'];

/**
 * Shows how upstreams come up. On a terminal the table is redrawn in place until none is connecting any more, with
 * whatever else is written scrolling above it; after that, and without a terminal, what an upstream offers is one line
 * when it changes. Why one is down stands in the log, in full, and is not said twice.
 */
export class StatusBoard {
  readonly #shown = new Map<string, string>();
  #pinnedLines = 0;
  #pinned: boolean;

  constructor(
    private readonly terminal: Terminal,
    private readonly read: () => readonly UpstreamStatus[],
  ) {
    this.#pinned = terminal.outIsTty;
  }

  /** Draws the whole table. */
  start(): void {
    for (const status of this.read()) this.#shown.set(status.name, changeLine(status));
    this.#draw();
    this.#unpinWhenSettled();
  }

  /** Something about the upstreams may have changed. */
  update(): void {
    const changed = this.#takeChanges();
    if (changed.length === 0) return;
    if (this.#pinned) {
      this.#erase();
      this.#draw();
      this.#unpinWhenSettled();
    } else {
      for (const line of changed) this.terminal.out(` ${line}\n`);
    }
  }

  /** Writes something else without tearing the table. */
  write(text: string): void {
    const pinned = this.#pinned && this.#pinnedLines > 0;
    if (pinned) this.#erase();
    this.terminal.out(text);
    if (pinned) this.#draw();
  }

  /** Leaves the table where it is: from now on every change is a line. */
  unpin(): void {
    this.#pinned = false;
    this.#pinnedLines = 0;
  }

  #takeChanges(): string[] {
    const changed: string[] = [];
    const names = new Set<string>();
    for (const status of this.read()) {
      names.add(status.name);
      const line = changeLine(status);
      if (this.#shown.get(status.name) === line) continue;
      this.#shown.set(status.name, line);
      if (this.#pinned || status.state === 'ready') changed.push(line);
    }
    for (const name of this.#shown.keys()) {
      if (names.has(name)) continue;
      this.#shown.delete(name);
      changed.push(`${name}: removed`);
    }
    return changed;
  }

  #draw(): void {
    const statuses = this.read();
    const rows =
      statuses.length > 0
        ? table([HEADER, ...statuses.map(row)], this.terminal.columns - 1)
        : ['no servers are configured'];
    for (const line of rows) this.terminal.out(` ${cut(line, this.terminal.columns - 2)}\n`);
    this.terminal.out('\n');
    this.#pinnedLines = rows.length + 1;
  }

  #erase(): void {
    this.terminal.out(`\u001b[${this.#pinnedLines}A\u001b[0J`);
  }

  #unpinWhenSettled(): void {
    if (!this.read().some((status) => status.state === 'connecting')) this.unpin();
  }
}

function row(status: UpstreamStatus): string[] {
  const { counts } = status;
  const known = isKnown(status);
  const numbers = [counts.tools, counts.prompts, counts.resources].map((count) => (known ? String(count) : '-'));
  return [status.name, status.state, ...numbers, protocol(status), firstLine(status.reason ?? '')];
}

/** While it connects, half of what is known would only be noise. */
function isKnown(status: UpstreamStatus): boolean {
  return status.era !== undefined && status.state !== 'connecting';
}

function changeLine(status: UpstreamStatus): string {
  const { counts } = status;
  const some = (count: number, thing: string) => `${count} ${thing}${count === 1 ? '' : 's'}`;
  const offers = [some(counts.tools, 'tool'), some(counts.prompts, 'prompt'), some(counts.resources, 'resource')];
  const details = [
    ...(isKnown(status) ? offers : []),
    isKnown(status) ? protocol(status) : '',
    status.reason === undefined ? '' : cut(firstLine(status.reason), 300),
  ].filter((part) => part !== '');
  return [`${status.name}: ${status.state}`, ...details].join(', ');
}

function protocol(status: UpstreamStatus): string {
  const era = status.dual ? 'both' : status.era;
  return [era, status.version].filter((part) => part !== undefined).join(' ');
}
