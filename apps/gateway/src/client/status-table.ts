import { firstLine, table } from '../table.js';

/** One upstream as `/ready?verbose` has it. */
export interface UpstreamReport {
  readonly name: string;
  readonly state: string;
  readonly reason?: string;
  readonly since?: string;
  readonly next_retry?: string;
  readonly era?: string;
  readonly version?: string;
  readonly tools?: number;
  readonly in_flight?: number;
  readonly children?: readonly { readonly rss?: number }[];
}

export interface StatusReport {
  readonly status: string;
  readonly reason?: string;
  /** The gateway's own clock. */
  readonly time?: string;
  readonly upstreams: readonly UpstreamReport[];
}

const HEADER = ['SERVER', 'STATE', 'SINCE', 'TOOLS', 'PROTOCOL', 'CHILDREN', 'RUNNING', 'RETRY', 'REASON'];

const COLOURS: Readonly<Record<string, number>> = {
  ready: 32,
  degraded: 33,
  connecting: 33,
  unreachable: 31,
  disabled: 2,
};

/** Lines for people; `colour` paints the states. */
export function statusLines(report: StatusReport, { columns, colour }: { columns: number; colour: boolean }): string[] {
  const now = Date.parse(report.time ?? '') || Date.now();
  const { upstreams } = report;
  if (upstreams.length === 0) return ['no servers are configured'];
  const [header = '', ...lines] = table([HEADER, ...upstreams.map((upstream) => row(upstream, now))], columns);
  if (!colour) return [header, ...lines];
  const start = header.indexOf('STATE');
  return [header, ...lines.map((line, index) => painted(line, start, upstreams[index]?.state ?? ''))];
}

/** Whether an upstream takes calls, or is not meant to. */
export function serves({ state }: UpstreamReport): boolean {
  return state === 'ready' || state === 'degraded' || state === 'disabled';
}

function row(upstream: UpstreamReport, now: number): string[] {
  const { children, era, in_flight, name, next_retry, reason, since, state, tools, version } = upstream;
  return [
    firstLine(name),
    firstLine(state),
    since === undefined ? '' : ago(now - Date.parse(since)),
    tools === undefined ? '' : String(tools),
    firstLine([era, version].filter((part) => part !== undefined).join(' ')),
    children === undefined ? '' : childrenOf(children),
    in_flight === undefined ? '' : String(in_flight),
    next_retry === undefined ? '' : `in ${ago(Date.parse(next_retry) - now)}`,
    firstLine(reason ?? ''),
  ];
}

function childrenOf(children: readonly { readonly rss?: number }[]): string {
  const bytes = children.reduce((sum, { rss = 0 }) => sum + rss, 0);
  return bytes > 0 ? `${children.length} (${Math.round(bytes / 1024 / 1024)} MiB)` : String(children.length);
}

function ago(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

function painted(line: string, start: number, state: string): string {
  const colour = COLOURS[state];
  if (colour === undefined) return line;
  const end = start + state.length;
  return `${line.slice(0, start)}\u001b[${colour}m${line.slice(start, end)}\u001b[0m${line.slice(end)}`;
}
