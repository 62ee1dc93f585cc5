import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Case, CaseContext, Scale } from './cases/case.ts';
import { LONG } from './cases/rounds.ts';
import { TargetPool } from './cases/target-pool.ts';
import { machine, type Placement, pinThisProcess } from './machine/cpus.ts';
import { type CaseReport, FORMAT, type Report, type Skipped } from './report/shape.ts';
import type { Profile } from './targets/gateway-config.ts';
import { Lab } from './targets/lab.ts';
import { ROOT } from './targets/paths.ts';
import { availablePieces, type Piece, type Pieces } from './targets/pieces.ts';

export interface RunOptions {
  readonly cases: readonly Case[];
  readonly scale: Scale;
  readonly quick: boolean;
  readonly profiles: readonly Profile[];
  readonly without: readonly Piece[];
  readonly placement: Placement;
  readonly gatewayFlags: readonly string[];
  /** No case begins later than this many minutes after the start. */
  readonly minutes: number;
  /** Keep logs and configurations of the run. */
  readonly keep: boolean;
  /** Ends the run: everything is stopped, and it throws. */
  readonly interrupted: AbortSignal;
  /** One line that replaces the last one. */
  progress(text: string): void;
  /** After each case. */
  onCase(report: CaseReport): void;
}

/** Runs the cases one after the other. Every process it started is gone when it returns, or throws. */
export async function runBench(options: RunOptions): Promise<Report> {
  const { placement, scale } = options;
  const started = new Date();
  const directory = mkdtempSync(join(tmpdir(), 'mcp-gateway-bench-'));
  pinThisProcess(placement.load);
  const pieces = await availablePieces(directory, options.without);
  const lab = await Lab.start({ directory, placement, pieces, gatewayFlags: options.gatewayFlags });
  try {
    const { cases, skipped } = await Promise.race([runCases(lab, pieces, options), whenAborted(options.interrupted)]);
    const seconds = scale.calls === undefined ? scale.seconds : 0;
    const settings = { quick: options.quick, rounds: scale.rounds, seconds, longSeconds: seconds * LONG };
    return {
      format: FORMAT,
      started: started.toISOString(),
      finished: new Date().toISOString(),
      commit: commit(),
      machine: { ...machine(), placement },
      settings,
      pieces,
      cases,
      skipped,
    };
  } finally {
    await lab.stop();
    if (options.keep) options.progress(`logs and configurations are in ${directory}\n`);
    else rmSync(directory, { recursive: true, force: true });
  }
}

async function runCases(lab: Lab, pieces: Pieces, options: RunOptions) {
  const end = performance.now() + options.minutes * 60_000;
  const pool = new TargetPool(lab);
  const cases: CaseReport[] = [];
  const skipped: Skipped[] = [];
  for (const one of options.cases) {
    const missing = one.needs.filter((piece) => !pieces.on.includes(piece) || !options.profiles.includes('everything'));
    const why =
      missing.length > 0
        ? `needs ${missing.join(' and ')}`
        : performance.now() > end
          ? `${options.minutes} minutes are over`
          : undefined;
    if (why !== undefined) {
      skipped.push({ name: one.name, why });
      continue;
    }
    const context: CaseContext = {
      lab,
      pool,
      scale: options.scale,
      profiles: options.profiles,
      progress: (text) => options.progress(`${one.name}: ${text}`),
    };
    const report = await one.run(context).catch(async (error: Error) => {
      // Whatever state it left behind, the next case begins without.
      await pool.leave();
      return failed(one, error);
    });
    if (options.interrupted.aborted) break;
    cases.push(report);
    options.onCase(report);
  }
  await pool.leave();
  return { cases, skipped };
}

function failed({ name, about, metrics }: Case, { message }: Error): CaseReport {
  return {
    name,
    about,
    base: 'floor',
    metrics,
    entrants: [{ name: 'the case', calls: 0, faults: [message], rounds: [] }],
  };
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = () => reject(new Error('interrupted'));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give);
  });
}

/** Undefined outside of a checkout. */
function commit(): string | undefined {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: ROOT, encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}
