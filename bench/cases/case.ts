import type { MetricName } from '../report/metrics.ts';
import type { CaseReport } from '../report/shape.ts';
import type { Profile } from '../targets/gateway-config.ts';
import type { Lab } from '../targets/lab.ts';
import type { Piece } from '../targets/pieces.ts';
import type { TargetPool } from './target-pool.ts';

/** How much of everything: a full run, a quick one, a test's. */
export interface Scale {
  readonly rounds: number;
  /** Length of a window; with `calls` it is counted instead. */
  readonly seconds: number;
  readonly calls?: number;
  /** Before the first round, per entrant: of a process that is new or does something new, and of one that did the like before. */
  readonly warmup: { readonly anew: number; readonly again: number };
  /** Client sessions of ordinary cases, each of a caller of its own. */
  readonly sessions: number;
  /** Fresh processes per entrant of the idle cases: memory moves little from one to the next. */
  readonly idleRounds: number;
  /** Sessions with streams, and sessions without. */
  readonly idleStreams: number;
  readonly idleSessions: number;
  /** Milliseconds without traffic before memory and idle CPU are read. */
  readonly settle: number;
  /** The largest value of each axis of growth. */
  readonly growth: {
    readonly tools: number;
    readonly upstreams: number;
    readonly patterns: number;
    readonly sessions: number;
  };
}

export const FULL: Scale = {
  rounds: 9,
  seconds: 1,
  // A gateway has more code than a bare proxy, and runs for weeks: V8 has to be done with it, which takes it some ten seconds.
  warmup: { anew: 18, again: 6 },
  sessions: 256,
  idleRounds: 6,
  idleStreams: 1000,
  idleSessions: 10_000,
  settle: 3000,
  growth: { tools: 5000, upstreams: 100, patterns: 5000, sessions: 10_000 },
};

export const QUICK: Scale = {
  rounds: 3,
  seconds: 0.3,
  warmup: { anew: 0.3, again: 0.3 },
  sessions: 32,
  idleRounds: 1,
  idleStreams: 50,
  idleSessions: 200,
  settle: 500,
  growth: { tools: 500, upstreams: 20, patterns: 500, sessions: 200 },
};

export interface CaseContext {
  readonly lab: Lab;
  readonly pool: TargetPool;
  readonly scale: Scale;
  readonly profiles: readonly Profile[];
  /** One line about what is going on. */
  progress(text: string): void;
}

export interface Case {
  readonly name: string;
  readonly about: string;
  /** Pieces without which it measures nothing. */
  readonly needs: readonly Piece[];
  readonly metrics: readonly MetricName[];
  run(context: CaseContext): Promise<CaseReport>;
}
