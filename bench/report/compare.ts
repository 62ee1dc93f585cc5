import { type Change, changeOf } from '../stats/change.ts';
import { ratiosOf, valuesOf } from './figures.ts';
import { METRICS, type MetricName, metricOf } from './metrics.ts';
import type { CaseReport, EntrantReport, Report } from './shape.ts';
import { table } from './table.ts';

/** What is compared: not what only explains the others. */
const COMPARED = (Object.keys(METRICS) as MetricName[]).filter((metric) => metric !== 'load');

export interface Difference extends Change {
  readonly name: string;
  readonly entrant: string;
  readonly metric: MetricName;
  /** Ratios to the base were compared: the machine's mood is taken out. Else the figures themselves. */
  readonly ratios: boolean;
  readonly verdict: 'better' | 'worse' | 'same';
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Why the runs may not be comparable, and what only one of them has. */
  readonly notes: readonly string[];
}

/** What changed from one run to the other. A change is one whose interval, at 95 %, leaves out "none". */
export function compare(before: Report, after: Report): Comparison {
  const differences = before.cases.flatMap((old) => {
    const now = after.cases.find(({ name }) => name === old.name);
    return now ? differencesIn(old, now) : [];
  });
  return { differences, notes: [...settingNotes(before, after), ...caseNotes(before, after)] };
}

export function showComparison({ differences, notes }: Comparison): string {
  const changed = differences.filter(({ verdict }) => verdict !== 'same');
  const rows = changed.map(({ name, entrant, metric, factor, low, high, verdict, ratios }) => [
    `${name}, ${entrant}`,
    metricOf(metric).title,
    `x${factor.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`,
    verdict,
    ratios ? 'against the base' : 'absolute',
  ]);
  return [
    ...notes.map((note) => `note: ${note}`),
    changed.length === 0 ? 'Nothing changed by more than the noise.' : table(rows),
    `${differences.length} figures compared, ${changed.length} changed by more than the noise.`,
  ].join('\n');
}

function differencesIn(old: CaseReport, now: CaseReport): Difference[] {
  return old.entrants.flatMap((entrant) => {
    const other = now.entrants.find(({ name }) => name === entrant.name);
    if (!other) return [];
    return COMPARED.flatMap((metric) => difference(metric, [old, entrant], [now, other]));
  });
}

type Side = readonly [report: CaseReport, entrant: EntrantReport];

function difference(metric: MetricName, before: Side, after: Side): Difference[] {
  const [{ name, base }, entrant] = before;
  const ratios = entrant.name !== base && after[0].base === base;
  const values = ([report, of]: Side) =>
    (ratios ? ratiosOf(report, of, metric) : valuesOf(of.rounds, metric)).filter((value) => value > 0);
  const [old, now] = [values(before), values(after)];
  if (old.length === 0 || now.length === 0) return [];
  const change = changeOf(old, now);
  const better = metricOf(metric).better === 'lower' ? change.factor < 1 : change.factor > 1;
  const verdict = !change.exceedsNoise ? 'same' : better ? 'better' : 'worse';
  return [{ name, entrant: entrant.name, metric, ratios, verdict, ...change }];
}

function settingNotes(before: Report, after: Report): string[] {
  const said = (title: string, of: (report: Report) => unknown) => {
    const [old, now] = [String(of(before)), String(of(after))];
    return old === now ? [] : [`${title} differs: ${old}, then ${now}`];
  };
  return [
    ...said('the processor', ({ machine }) => `${machine.cores} x ${machine.cpu}`),
    ...said('Node', ({ machine }) => machine.node),
    ...said('pinning', ({ machine }) => machine.placement.gateway !== undefined),
    ...said('the length of a window', ({ settings }) => `${settings.seconds} s`),
    ...said(
      'the length of a window with large bodies',
      ({ settings }) => `${settings.longSeconds ?? settings.seconds} s`,
    ),
    ...said('what "everything" consists of', ({ pieces }) => pieces.on.join(', ')),
    ...(Math.min(before.settings.rounds, after.settings.rounds) < 4
      ? ['with fewer than four rounds in each run no change can be told from noise']
      : []),
    ...(before.settings.quick || after.settings.quick ? ['a quick run is too short to compare by'] : []),
  ];
}

function caseNotes(before: Report, after: Report): string[] {
  const names = (report: Report) => new Set(report.cases.map(({ name }) => name));
  const [old, now] = [names(before), names(after)];
  const only = (these: Set<string>, others: Set<string>, which: string) => {
    const missing = [...these].filter((name) => !others.has(name));
    return missing.length === 0 ? [] : [`only in the ${which} run: ${missing.join(', ')}`];
  };
  return [...only(old, now, 'first'), ...only(now, old, 'second')];
}
