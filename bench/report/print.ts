import type { Summary } from '../stats/summary.ts';
import { verdictsOf } from './bounds.ts';
import { figureOf, ratioOf } from './figures.ts';
import { type MetricName, metricOf } from './metrics.ts';
import { type CaseReport, type EntrantReport, faultsIn, type Report } from './shape.ts';
import { shortNumber, table } from './table.ts';

/** Above this share of its core the load side, not the target, may be what limits a throughput. */
const LOAD_LIMIT = 90;

/** Figures of one case: medians, and in brackets the ratio to the base with its interval where it matters most. */
export function showCase(report: CaseReport): string {
  const metrics = report.metrics.filter((metric) => report.entrants.some((entrant) => figureOf(entrant, metric)));
  const head = ['', ...metrics.map((metric) => `${metricOf(metric).title} ${metricOf(metric).unit}`)];
  const rows = report.entrants.map((entrant) => [
    entrant.name,
    ...metrics.map((metric) => cell(report, entrant, metric)),
  ]);
  const lines = [`${report.name}: ${report.about}`, indent(table([head, ...rows]))];
  const ratios = intervals(report);
  if (ratios !== '') lines.push(`  CPU/call against ${report.base}: ${ratios}`);
  for (const { name, faults } of report.entrants) {
    for (const fault of faults.slice(0, 5)) lines.push(`  FAULT at ${name}: ${fault}`);
  }
  return lines.join('\n');
}

/** What a run is worth and whether the bounds hold. */
export function showEnd(report: Report): string {
  const lines: string[] = [];
  for (const { name, why } of report.skipped) lines.push(`SKIPPED ${name}: ${why}`);
  for (const { piece, why } of report.pieces.off) lines.push(`"everything" was WITHOUT ${piece}: ${why}`);
  const verdicts = verdictsOf(report);
  if (verdicts.length > 0) {
    lines.push('', 'Bounds (a ratio to the base, or the figure itself; with its interval)');
    const rows = verdicts.map(({ name, entrant, metric, limit, figure, verdict }) => [
      `${name}, ${entrant}`,
      metricOf(metric).title,
      range(figure),
      `at most ${limit}`,
      verdict,
    ]);
    lines.push(indent(table(rows)));
  }
  const faults = faultsIn(report);
  const calls = report.cases.flatMap(({ entrants }) => entrants).reduce((sum, entrant) => sum + entrant.calls, 0);
  lines.push('', faults.length === 0 ? `${calls} replies, all right` : `${faults.length} FAULTS in ${calls} replies`);
  if (report.settings.quick) lines.push('A quick run: it shows that things work, its figures mean little.');
  if (report.machine.placement.gateway === undefined) lines.push('Nothing was pinned: one core, or no taskset.');
  return lines.join('\n');
}

function cell(report: CaseReport, entrant: EntrantReport, metric: MetricName): string {
  const figure = figureOf(entrant, metric);
  if (!figure) return '-';
  if (metric === 'load') return `${shortNumber(figure.median)}${figure.median > LOAD_LIMIT ? '!' : ''}`;
  // A share of next to nothing is no measure for another one.
  const compares = entrant.name !== report.base && metricOf(metric).unit !== '%';
  const ratio = compares ? ratioOf(report, entrant, metric) : undefined;
  return `${shortNumber(figure.median)}${ratio ? ` (x${ratio.median.toFixed(2)})` : ''}`;
}

function intervals(report: CaseReport): string {
  return report.entrants
    .filter(({ name }) => name !== report.base && name !== 'direct')
    .flatMap((entrant) => {
      const ratio = ratioOf(report, entrant, 'cpu');
      return ratio ? [`${entrant.name} x${range(ratio)}`] : [];
    })
    .join(', ');
}

/** `1.23 [1.20, 1.27]`, and how certain the interval is where the rounds do not suffice for 95 %. */
export function range({ median, low, high, level }: Summary): string {
  const certain = level >= 0.95 ? '' : ` at ${Math.round(level * 100)} %`;
  return `${median.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]${certain}`;
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
