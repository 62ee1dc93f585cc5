import type { Machine, Placement } from '../machine/cpus.ts';
import type { Pieces } from '../targets/pieces.ts';
import type { MetricName, Round } from './metrics.ts';

/** Goes up when a reader of older files would misunderstand newer ones. */
export const FORMAT = 1;

/** What a run writes as JSON: rounds as they were measured; medians, intervals and ratios are made from them. */
export interface Report {
  readonly format: typeof FORMAT;
  readonly started: string;
  readonly finished: string;
  readonly commit: string | undefined;
  readonly machine: Machine & { readonly placement: Placement };
  readonly settings: Settings;
  readonly pieces: Pieces;
  readonly cases: readonly CaseReport[];
  readonly skipped: readonly Skipped[];
}

export interface Settings {
  readonly quick: boolean;
  readonly rounds: number;
  /** Of one window; 0 where windows were counted in calls. */
  readonly seconds: number;
  /** Of one window with large bodies; reports of before there was a difference lack it. */
  readonly longSeconds?: number;
}

export interface CaseReport {
  readonly name: string;
  readonly about: string;
  /** The entrant that ratios are made to: the bare proxy, or what stands for it. */
  readonly base: string;
  readonly metrics: readonly MetricName[];
  readonly entrants: readonly EntrantReport[];
}

export interface EntrantReport {
  readonly name: string;
  readonly calls: number;
  /** Wrong or lost replies, and whatever else means that the figures are not to be trusted. Empty when all is well. */
  readonly faults: readonly string[];
  readonly rounds: readonly Round[];
}

export interface Skipped {
  readonly name: string;
  readonly why: string;
}

/** @throws Error when it is no report this version can read */
export function readReport(text: string, file: string): Report {
  const report = JSON.parse(text) as Partial<Report> | null;
  if (report?.format !== FORMAT) throw new Error(`${file} is no report of format ${FORMAT}`);
  return report as Report;
}

export function faultsIn(report: Report): string[] {
  return report.cases.flatMap(({ name, entrants }) =>
    entrants.flatMap((entrant) => entrant.faults.map((fault) => `${name}, ${entrant.name}: ${fault}`)),
  );
}
