import { describe, expect, it } from 'vitest';
import { verdictsOf } from './bounds.ts';
import { compare, showComparison } from './compare.ts';
import { ratioOf } from './figures.ts';
import type { Round } from './metrics.ts';
import { range, showCase, showEnd } from './print.ts';
import { type CaseReport, FORMAT, type Report, readReport } from './shape.ts';

const NOISE = [0.98, 1.01, 0.99, 1.02, 1, 1.03, 0.97, 1.005, 0.995];

/** Nine rounds about a figure, each with its own noise; `mood` disturbs all entrants of a round alike. */
const rounds = (figures: Round, mood: readonly number[] = NOISE.map(() => 1)): Round[] =>
  NOISE.map((noise, index) =>
    Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, value * noise * (mood[index] ?? 1)])),
  );

function caseOf(name: string, base: string, entrants: Record<string, Round[]>): CaseReport {
  return {
    name,
    about: 'a case',
    base,
    metrics: ['cpu', 'p99', 'throughput'],
    entrants: Object.entries(entrants).map(([entrant, measured]) => ({
      name: entrant,
      calls: 9,
      faults: [],
      rounds: measured,
    })),
  };
}

function reportOf(cases: CaseReport[], quick = false): Report {
  const placement = { gateway: 1, load: 0, upstream: 0 };
  return {
    format: FORMAT,
    started: '',
    finished: '',
    commit: undefined,
    machine: { cpu: 'x', cores: 2, kernel: '6', node: '24', placement },
    settings: { quick, rounds: 9, seconds: 1 },
    pieces: { on: [], off: [{ piece: 'audit', why: 'no such thing' }] },
    cases,
    skipped: [{ name: 'list-10-views', why: 'needs permissions' }],
  };
}

const pair = (gateway: number, mood?: readonly number[]) =>
  reportOf([
    caseOf('call-64B-c16', 'floor', {
      floor: rounds({ cpu: 50, p99: 2, throughput: 20_000 }, mood),
      bare: rounds({ cpu: gateway, p99: 3, throughput: 1e6 / gateway }, mood).reverse(),
    }),
  ]);

describe('ratios', () => {
  it('are made round by round, so a round that is slow for all changes nothing', () => {
    const mood = [1, 1, 5, 1, 3, 1, 1, 1, 2];
    const report = caseOf('c', 'floor', { floor: rounds({ cpu: 50 }, mood), bare: rounds({ cpu: 100 }, mood) });
    const [, bare] = report.entrants;
    expect(bare && ratioOf(report, bare, 'cpu')).toMatchObject({ median: 2, low: 2, high: 2 });
  });

  it('leave out rounds in which one of the two was not measured', () => {
    const report = caseOf('c', 'floor', {
      floor: [{ cpu: 50 }, {}, { cpu: 50 }],
      bare: [{ cpu: 100 }, { cpu: 1 }, {}],
    });
    const [, bare] = report.entrants;
    expect(bare && ratioOf(report, bare, 'cpu')).toMatchObject({ median: 2, n: 1 });
  });
});

describe('bounds', () => {
  const cpuVerdict = (report: Report) => verdictsOf(report).find(({ metric }) => metric === 'cpu')?.verdict;

  it('hold, fail, or are unclear where the interval lies on both sides', () => {
    expect(cpuVerdict(pair(51))).toBe('holds');
    expect(cpuVerdict(pair(80))).toBe('fails');
    expect(cpuVerdict(pair(60))).toBe('unclear');
  });

  it('are unclear where the rounds are too few for an interval', () => {
    const few = caseOf('call-64B-c16', 'floor', { floor: [{ cpu: 50 }], bare: [{ cpu: 500 }] });
    expect(cpuVerdict(reportOf([few]))).toBe('unclear');
  });

  it('let growth be as long as it cannot be told from none, and do not judge the bare proxy', () => {
    const grown = (cpu: number) =>
      reportOf([
        caseOf('growth-tools', 'tools=10', {
          floor: rounds({ cpu: 900 }),
          'tools=10': rounds({ cpu: 100 }),
          'tools=5000': rounds({ cpu }).reverse(),
        }),
      ]);
    expect(verdictsOf(grown(111))).toMatchObject([{ entrant: 'tools=5000', verdict: 'holds' }]);
    expect(verdictsOf(grown(130))).toMatchObject([{ entrant: 'tools=5000', verdict: 'fails' }]);
  });

  it('take 150 ms off the start before comparing it', () => {
    const report = caseOf('start', 'nest', { nest: rounds({ start: 600 }), bare: NOISE.map(() => ({ start: 750 })) });
    const [verdict] = verdictsOf(reportOf([report]));
    expect(verdict?.figure.median).toBeCloseTo(1, 2);
  });
});

describe('compare', () => {
  it('finds what became worse and what became better, in the direction of each figure', () => {
    const found = (before: Report, after: Report) =>
      compare(before, after)
        .differences.filter(({ entrant, verdict }) => entrant === 'bare' && verdict !== 'same')
        .map(({ metric, verdict }) => `${metric} ${verdict}`);
    expect(found(pair(60), pair(75))).toEqual(['cpu worse', 'throughput worse']);
    expect(found(pair(75), pair(60))).toEqual(['cpu better', 'throughput better']);
  });

  it('is not misled by a machine that was slower throughout', () => {
    const slow = pair(
      60,
      NOISE.map(() => 1.5),
    );
    const { differences } = compare(pair(60), slow);
    const verdicts = Object.fromEntries(
      differences.map(({ entrant, metric, verdict }) => [`${entrant} ${metric}`, verdict]),
    );
    expect(verdicts).toMatchObject({ 'bare cpu': 'same', 'bare p99': 'same', 'floor cpu': 'worse' });
  });

  it('says what speaks against comparing at all', () => {
    const other = reportOf([caseOf('start', 'nest', {})], true);
    const { notes } = compare(pair(60), { ...other, machine: { ...other.machine, node: '26' } });
    expect(notes).toEqual([
      'Node differs: 24, then 26',
      'a quick run is too short to compare by',
      'only in the first run: call-64B-c16',
      'only in the second run: start',
    ]);
    expect(showComparison(compare(pair(60), pair(60)))).toMatch(/Nothing changed by more than the noise/);
  });

  it('says that windows with large bodies were shorter, also of a report that knew no difference', () => {
    const later = pair(60);
    const { notes } = compare(pair(60), { ...later, settings: { ...later.settings, longSeconds: 4 } });
    expect(notes).toEqual(['the length of a window with large bodies differs: 1 s, then 4 s']);
  });
});

describe('the output', () => {
  it('has figures, ratios, and every reason to doubt them', () => {
    const report = pair(60);
    const [found] = report.cases;
    const faulty = {
      ...found,
      entrants: found?.entrants.map((one) => ({ ...one, faults: ['content: not mine'] })),
    } as CaseReport;
    expect(found && showCase(found)).toMatch(/bare\s+60\.0 \(x1\.\d\d\)/);
    expect(showCase(faulty)).toMatch(/FAULT at floor: content: not mine/);
    const end = showEnd(reportOf([faulty], true));
    for (const said of [
      'SKIPPED list-10-views: needs permissions',
      'WITHOUT audit: no such thing',
      '2 FAULTS',
      'A quick run',
    ])
      expect(end).toContain(said);
    expect(range({ median: 1, low: 1, high: 2, level: 0.75, n: 3 })).toBe('1.00 [1.00, 2.00] at 75 %');
  });

  it('refuses files that are no reports', () => {
    expect(() => readReport('{"name":"x"}', 'package.json')).toThrow('package.json is no report of format 1');
    expect(readReport(JSON.stringify(pair(60)), 'a.json').cases).toHaveLength(1);
  });
});
