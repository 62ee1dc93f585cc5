import type { UpstreamStatus } from '#libs/plugin';
import { cut, firstLine, table } from '../table.js';
import type { Terminal } from '../terminal.js';
import { type EndpointWeight, weightText } from '../token-estimate.js';

const HEADER = ['SERVER', 'STATE', 'TOOLS', '~TOKENS', 'PROMPTS', 'RESOURCES', 'PROTOCOL', 'NOTE'];

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
    /** What the tools of each endpoint weigh. */
    private readonly weigh: () => readonly EndpointWeight[] = () => [],
  ) {
    this.#pinned = terminal.outIsTty;
  }

  /** Draws the whole table. */
  start(): void {
    for (const status of this.read()) this.#shown.set(status.name, changeLine(status, this.#weight(status)));
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
      const line = changeLine(status, this.#weight(status));
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
        ? table([HEADER, ...statuses.map((one) => row(one, this.#weight(one)))], this.terminal.columns - 1)
        : ['no servers are configured'];
    const weights = this.weigh().filter(({ endpoint, tools }) => endpoint.kind !== 'server' && tools > 0);
    const lines = [...rows, ...weights.map(weightText)];
    for (const line of lines) this.terminal.out(` ${cut(line, this.terminal.columns - 2)}\n`);
    this.terminal.out('\n');
    this.#pinnedLines = lines.length + 1;
  }

  #weight({ name }: UpstreamStatus): EndpointWeight | undefined {
    return this.weigh().find(({ endpoint }) => endpoint.kind === 'server' && endpoint.server === name);
  }

  #erase(): void {
    this.terminal.out(`\u001b[${this.#pinnedLines}A\u001b[0J`);
  }

  #unpinWhenSettled(): void {
    if (!this.read().some((status) => status.state === 'connecting')) this.unpin();
  }
}

function row(status: UpstreamStatus, weight: EndpointWeight | undefined): string[] {
  const { counts } = status;
  const known = isKnown(status);
  const numbers = [weight?.tools ?? counts.tools, weight?.tokens, counts.prompts, counts.resources].map((count) =>
    known && count !== undefined ? String(count) : '-',
  );
  return [status.name, status.state, ...numbers, protocol(status), firstLine(status.reason ?? '')];
}

/** While it connects, half of what is known would only be noise. */
function isKnown(status: UpstreamStatus): boolean {
  return status.era !== undefined && status.state !== 'connecting';
}

function changeLine(status: UpstreamStatus, weight: EndpointWeight | undefined): string {
  const { counts } = status;
  const some = (count: number, thing: string) => `${count} ${thing}${count === 1 ? '' : 's'}`;
  const tokens = weight === undefined ? '' : ` (about ${weight.tokens} tokens)`;
  const offers = [
    `${some(weight?.tools ?? counts.tools, 'tool')}${tokens}`,
    some(counts.prompts, 'prompt'),
    some(counts.resources, 'resource'),
  ];
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
