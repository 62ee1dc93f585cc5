import type { Tally } from '../chaos/ledger/count.js';
import type { Look } from './look.js';
import { moreThan } from './rest.js';

/** The gateway's memory at one moment of the load, in bytes. */
export interface Memory {
  /** Seconds since the load began. */
  readonly at: number;
  readonly rss: number;
  /** In use after a forced collection. */
  readonly heap: number;
  readonly external: number;
}

export interface Evidence {
  readonly minutes: number;
  readonly memory: readonly Memory[];
  readonly before: Look;
  /** After the load, at rest. */
  readonly after: Look;
  readonly tally: Tally;
  readonly tallies: ReadonlyMap<string, Tally>;
  /** What was seen besides. */
  readonly problems: readonly string[];
}

export interface Finding {
  readonly rule: string;
  readonly state: 'kept' | 'broken' | 'not judged';
  readonly said: string;
}

const MIB = 1024 * 1024;
/** A gateway with eight upstreams and some fifty clients needs half of this; a leak of 100 bytes per call reaches it in hours. */
export const RSS_CAP = 320 * MIB;
const HEAP_GROWTH = 0.02;
/**
 * Below this thirds are shorter than what V8 takes to compile, inline and forget everything that is called now and then, and
 * what grows is the warming up.
 */
export const SHORTEST = 9;

export function findings(evidence: Evidence): Finding[] {
  return [
    answers(evidence),
    everyUpstream(evidence),
    leftOver(evidence),
    rss(evidence),
    heap(evidence),
    rest(evidence),
  ];
}

function found(rule: string, isKept: boolean, said: string): Finding {
  return { rule, state: isKept ? 'kept' : 'broken', said };
}

function answers({ tally }: Evidence): Finding {
  const { sent, wrong, lost, faults } = tally;
  const said = `${sent} calls, ${wrong} wrong, ${lost} lost${faults.map((fault) => `\n    ${fault}`).join('')}`;
  return found('no answer is wrong, lost or another call’s', wrong + lost === 0, said);
}

/** Without this a gateway that refuses everything would pass. */
function everyUpstream({ tallies }: Evidence): Finding {
  const shares = [...tallies].map(([name, { right, sent }]) => `${name} ${right} of ${sent}`);
  const isKept = tallies.size > 0 && [...tallies.values()].every(({ right }) => right > 0);
  return found('every upstream gave right answers', isKept, shares.join(', '));
}

function leftOver({ before, after }: Evidence): Finding {
  const more = moreThan(before, after);
  const said = more.length > 0 ? more.join(', ') : 'as at the start';
  return found(
    'handles, children, sessions and what is pending are at the end what they were',
    more.length === 0,
    said,
  );
}

function rss({ memory }: Evidence): Finding {
  const most = Math.max(...memory.map((one) => one.rss));
  return found(`resident memory stays below ${RSS_CAP / MIB} MiB`, most < RSS_CAP, `at most ${mib(most)} MiB`);
}

function heap({ minutes, memory }: Evidence): Finding {
  const rule = `the heap grows by less than ${HEAP_GROWTH * 100} % from the second to the last third`;
  const [, second, last] = thirds(memory);
  if (second === undefined || last === undefined) return { rule, state: 'broken', said: 'too few samples' };
  const growth = last / second - 1;
  const said = `${mib(second)} -> ${mib(last)} MiB, ${(growth * 100).toFixed(2)} %`;
  if (minutes < SHORTEST) {
    return { rule, state: 'not judged', said: `${said}; a run has to be of ${SHORTEST} minutes or more for that` };
  }
  return found(rule, growth < HEAP_GROWTH, said);
}

function rest({ problems }: Evidence): Finding {
  return found('nothing else went wrong', problems.length === 0, problems.join('\n    '));
}

/** The median of the heap in each third of the load. */
function thirds(memory: readonly Memory[]): (number | undefined)[] {
  const end = memory.at(-1)?.at ?? 0;
  return [0, 1, 2].map((third) => {
    const within = memory.filter(({ at }) => at > (end * third) / 3 && at <= (end * (third + 1)) / 3);
    const sorted = within.map((one) => one.heap).sort((one, other) => one - other);
    return sorted[Math.floor(sorted.length / 2)];
  });
}

export function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
