import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Case, QUICK, type Scale } from './cases/case.ts';
import { chosenCases } from './cases/index.ts';
import { UNPINNED } from './machine/cpus.ts';
import { processTree } from './machine/usage.ts';
import { compare } from './report/compare.ts';
import { figureOf, ratioOf } from './report/figures.ts';
import type { MetricName } from './report/metrics.ts';
import { showCase, showEnd } from './report/print.ts';
import { faultsIn, type Report } from './report/shape.ts';
import { runBench } from './run.ts';

/** A few calls of each kind: whether the harness works, not how fast anything is. */
const TINY: Scale = {
  ...QUICK,
  rounds: 2,
  calls: 20,
  sessions: 4,
  idleStreams: 5,
  idleSessions: 5,
  settle: 20,
  growth: { tools: 20, upstreams: 2, patterns: 20, sessions: 4 },
};

/** One of each kind. */
const NAMES = [
  'call-64B-c16',
  'call-1MB-c1',
  'connect-modern',
  'list-10-views',
  'idle-streams',
  'growth-sessions',
  'hung-upstream',
];

let report: Report;
let before: number[];
let after: number[];

beforeAll(async () => {
  before = processTree(process.pid);
  report = await runBench({
    cases: chosenCases(NAMES),
    scale: TINY,
    quick: true,
    profiles: ['everything'],
    without: [],
    placement: UNPINNED,
    gatewayFlags: [],
    minutes: 5,
    keep: false,
    interrupted: new AbortController().signal,
    progress: () => {},
    onCase: () => {},
  });
  after = processTree(process.pid);
}, 180_000);

const caseOf = (name: string) => {
  const found = report.cases.find((one) => one.name === name);
  if (!found) throw new Error(`no case ${name}`);
  return found;
};

describe('a run of the benchmark', () => {
  it('gets nothing but right replies', () => {
    expect(faultsIn(report)).toEqual([]);
  });

  it('runs every case that was chosen, or says why not', () => {
    expect([...report.cases, ...report.skipped].map(({ name }) => name).sort()).toEqual([...NAMES].sort());
    for (const { why } of report.skipped) expect(why).toMatch(/needs/);
  });

  it('measures everyone in every round', () => {
    const { entrants, metrics } = caseOf('call-64B-c16');
    expect(entrants.map(({ name }) => name)).toEqual(['direct', 'floor', 'everything']);
    for (const { name, rounds, calls } of entrants) {
      expect(rounds).toHaveLength(TINY.rounds);
      expect(calls).toBeGreaterThanOrEqual(TINY.rounds * 20);
      for (const metric of metrics.filter((metric) => name !== 'direct' || metric !== 'added'))
        for (const round of rounds) expect(round[metric], `${name} ${metric}`).toEqual(expect.any(Number));
    }
  });

  it('has processor time, memory and a ratio for each of them', () => {
    const call = caseOf('call-64B-c16');
    for (const entrant of call.entrants) {
      for (const metric of ['cpu', 'rss', 'throughput', 'p50', 'p99'] as MetricName[]) {
        expect(figureOf(entrant, metric)?.median, `${entrant.name} ${metric}`).toBeGreaterThan(0);
        expect(ratioOf(call, entrant, metric)?.median, `${entrant.name} ${metric}`).toBeGreaterThan(0);
      }
    }
    const floor = call.entrants.find(({ name }) => name === 'floor');
    expect(floor && ratioOf(call, floor, 'cpu')).toMatchObject({ median: 1, low: 1, high: 1 });
  });

  it('measures sessions that wait', () => {
    for (const { rounds } of caseOf('idle-streams').entrants)
      for (const round of rounds) expect(round.heapEach).toEqual(expect.any(Number));
  });

  it('says what "everything" was', () => {
    const named = [...report.pieces.on, ...report.pieces.off.map(({ piece }) => piece)].sort();
    expect(named).toEqual(['audit', 'authentication', 'permissions', 'rate_limit']);
    for (const { why } of report.pieces.off) expect(why).not.toBe('');
  });

  it('prints, survives JSON, and compares with itself', () => {
    const copy = JSON.parse(JSON.stringify(report)) as Report;
    expect(copy).toEqual(report);
    expect(showCase(caseOf('call-64B-c16'))).toMatch(/everything\s+\S+ \(x\d/);
    expect(showEnd(report)).toMatch(/\d+ replies, all right/);
    const { differences, notes } = compare(report, copy);
    expect(differences.length).toBeGreaterThan(20);
    expect(differences.every(({ verdict }) => verdict === 'same')).toBe(true);
    expect(notes).toContain('a quick run is too short to compare by');
  });

  it('leaves no process behind', () => {
    expect(after.filter((pid) => !before.includes(pid))).toEqual([]);
  });
});

describe('the cases', () => {
  it('have names of their own, and are all in the documentation', () => {
    const names = chosenCases([]).map((one: Case) => one.name);
    expect(new Set(names).size).toBe(names.length);
    const page = readFileSync(fileURLToPath(new URL('../docs/performance.md', import.meta.url)), 'utf8');
    for (const name of names) expect(page, name).toContain(`\`${name}\``);
  });

  it('are chosen by pattern, and an unknown one names the known', () => {
    expect(chosenCases(['call-64B-*']).map(({ name }) => name)).toEqual([
      'call-64B-c1',
      'call-64B-c16',
      'call-64B-c128',
    ]);
    expect(() => chosenCases(['calls'])).toThrow(/there is no case calls; there are\n {2}call-64B-c1/);
  });
});
