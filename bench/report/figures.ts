import { type Summary, summarize } from '../stats/summary.ts';
import type { MetricName, Round } from './metrics.ts';
import type { CaseReport, EntrantReport } from './shape.ts';

/** A metric over the rounds; undefined where it was not measured. */
export function figureOf(entrant: EntrantReport, metric: MetricName): Summary | undefined {
  const values = valuesOf(entrant.rounds, metric);
  return values.length === 0 ? undefined : summarize(values);
}

/** How often the base's: made round by round, because what the machine does meanwhile is the same for both. */
export function ratioOf(report: CaseReport, entrant: EntrantReport, metric: MetricName): Summary | undefined {
  const values = ratiosOf(report, entrant, metric);
  return values.length === 0 ? undefined : summarize(values);
}

/** The ratio of each round in which both were measured. */
export function ratiosOf({ base, entrants }: CaseReport, entrant: EntrantReport, metric: MetricName): number[] {
  const denominator = entrants.find(({ name }) => name === base);
  if (!denominator) return [];
  return entrant.rounds.flatMap((round, index) => {
    const [above, below] = [round?.[metric], denominator.rounds[index]?.[metric]];
    return isUsable(above) && isUsable(below) && below > 0 ? [above / below] : [];
  });
}

export function valuesOf(rounds: readonly Round[], metric: MetricName): number[] {
  return rounds.flatMap((round) => {
    const value = round?.[metric];
    return isUsable(value) ? [value] : [];
  });
}

function isUsable(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
