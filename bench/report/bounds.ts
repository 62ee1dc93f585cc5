import { LEVEL, type Summary } from '../stats/summary.ts';
import { figureOf, ratioOf } from './figures.ts';
import type { MetricName } from './metrics.ts';
import type { CaseReport, EntrantReport, Report } from './shape.ts';

/** What the gateway means to keep, as a ratio to the case's base unless said otherwise. */
interface Bound {
  readonly cases: RegExp;
  readonly entrant: RegExp;
  readonly metric: MetricName;
  readonly limit: number;
  /** Instead of the ratio. */
  readonly value?: (report: CaseReport, entrant: EntrantReport) => Summary | undefined;
  /** It holds as soon as its interval reaches down to the limit: growth that cannot be told from none. */
  readonly lenient?: boolean;
}

const EVERYTHING = /^everything$/;
const GATEWAY = /^(?:bare|everything)$/;

const BOUNDS: readonly Bound[] = [
  { cases: /^(?:call-64B-c16|era-(?:legacy-legacy|modern-modern))$/, entrant: EVERYTHING, metric: 'cpu', limit: 1.5 },
  { cases: /^(?:call-64B-c16|era-(?:legacy-legacy|modern-modern))$/, entrant: /^bare$/, metric: 'cpu', limit: 1.2 },
  { cases: /^era-(?:legacy-modern|modern-legacy)$/, entrant: GATEWAY, metric: 'cpu', limit: 2 },
  { cases: /^call-1MB-c8$/, entrant: GATEWAY, metric: 'cpu', limit: 1.15 },
  { cases: /^call-10KB-c16$/, entrant: GATEWAY, metric: 'cpu', limit: 1.4 },
  { cases: /^list-1000-views$/, entrant: EVERYTHING, metric: 'cpu', limit: 1.5 },
  { cases: /^connect-sessions$/, entrant: GATEWAY, metric: 'cpu', limit: 2 },
  { cases: /^idle-streams$/, entrant: EVERYTHING, metric: 'rssEach', limit: 25, value: own('rssEach') },
  { cases: /^idle-sessions$/, entrant: EVERYTHING, metric: 'rssTotal', limit: 60, value: own('rssTotal') },
  { cases: /^call-64B-c16$/, entrant: GATEWAY, metric: 'p99', limit: 2 },
  { cases: /^call-64B-c1$/, entrant: GATEWAY, metric: 'added', limit: 1.3 },
  { cases: /^start$/, entrant: GATEWAY, metric: 'start', limit: 1.2, value: startRatio },
  { cases: /^start$/, entrant: GATEWAY, metric: 'idleRss', limit: 1.5 },
  { cases: /^hung-upstream$/, entrant: /^one-hung$/, metric: 'p99', limit: 1.5 },
  { cases: /^growth-/, entrant: /=/, metric: 'cpu', limit: 1.1, lenient: true },
];

export interface Verdict {
  readonly name: string;
  readonly entrant: string;
  readonly metric: MetricName;
  readonly limit: number;
  readonly figure: Summary;
  /** unclear: the interval lies on both sides of the limit, or the rounds are too few for one. */
  readonly verdict: 'holds' | 'fails' | 'unclear';
}

/** How each bound fares in this run; bounds whose case was not run are not there. */
export function verdictsOf(report: Report): Verdict[] {
  return BOUNDS.flatMap((bound) =>
    report.cases.filter(({ name }) => bound.cases.test(name)).flatMap((found) => verdictsOn(bound, found)),
  );
}

function verdictsOn(bound: Bound, report: CaseReport): Verdict[] {
  const { limit, metric, value } = bound;
  return report.entrants
    .filter(({ name }) => name !== report.base && bound.entrant.test(name))
    .flatMap((entrant) => {
      const figure = value ? value(report, entrant) : ratioOf(report, entrant, metric);
      if (!figure) return [];
      const verdict = judge(figure, bound);
      return [{ name: report.name, entrant: entrant.name, metric, limit, figure, verdict }];
    });
}

function judge({ low, high, level }: Summary, { limit, lenient }: Bound): Verdict['verdict'] {
  if (level < LEVEL) return 'unclear';
  if (high <= limit || (lenient && low <= limit)) return 'holds';
  return low > limit ? 'fails' : 'unclear';
}

function own(metric: MetricName) {
  return (_: CaseReport, entrant: EntrantReport) => figureOf(entrant, metric);
}

/** A gateway has an upstream to reach before it can answer: 150 ms of its start are not compared. */
function startRatio(report: CaseReport, entrant: EntrantReport): Summary | undefined {
  const rounds = entrant.rounds.map((round) => ({ ...round, start: (round.start ?? Number.NaN) - 150 }));
  return ratioOf(report, { ...entrant, rounds }, 'start');
}
