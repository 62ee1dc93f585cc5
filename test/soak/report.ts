import type { Tally } from '../chaos/ledger/count.js';
import type { Look } from './look.js';
import { type Finding, type Memory, mib } from './verdict.js';

export interface Line {
  readonly when: string;
  readonly calls: number;
  readonly tally: Tally;
  readonly memory: Memory;
  readonly look: Look;
}

const COLUMNS = ['calls', 'right', 'clear error', 'wrong', 'lost', 'RSS MiB', 'heap MiB', 'ext. MiB', 'sessions'];
const MORE = ['streams', 'up. sessions', 'children', 'pending', 'up. pending', 'parked'];

export const HEADER = row(['', ...COLUMNS, ...MORE], 'handles');

export function line({ when, calls, tally, memory, look }: Line): string {
  const { right, clear, wrong, lost } = tally;
  const bytes = [memory.rss, memory.heap, memory.external].map(mib);
  const { sessions, streams, upstreamSessions, children, pending, upstreamPending, parked } = look;
  const held = [sessions, streams, upstreamSessions, children, pending, upstreamPending, parked];
  return row([when, calls, right, clear, wrong, lost, ...bytes, ...held], handles(look));
}

export function verdict(findings: readonly Finding[]): string[] {
  const words = { kept: 'ok        ', broken: 'WRONG     ', 'not judged': 'not judged' };
  return findings.map(({ rule, state, said }) => `${words[state]}  ${rule}${said === '' ? '' : `: ${said}`}`);
}

/** What became of the calls to each upstream. */
export function upstreams(tallies: ReadonlyMap<string, Tally>, flaps: ReadonlyMap<string, number>): string[] {
  return [...tallies].map(([upstream, { sent, right, clear, errors, slowest }]) => {
    const codes = Object.entries(errors).map(([code, count]) => `${code} ${count}`);
    const ended = flaps.get(upstream);
    const parts = [
      `${sent} calls`,
      `${right} right`,
      `${clear} clear errors`,
      ...codes,
      `slowest ${inSeconds(slowest)}`,
    ];
    return `  ${upstream.padEnd(14)} ${parts.join(', ')}${ended === undefined ? '' : `; ended ${ended} times`}`;
  });
}

export function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function handles({ handles: kinds }: Look): string {
  return Object.entries(kinds)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ');
}

function row([when = '', ...cells]: readonly (string | number)[], last: string): string {
  return [String(when).padEnd(8), ...cells.map((cell) => String(cell).padStart(12)), ` ${last}`].join('');
}
