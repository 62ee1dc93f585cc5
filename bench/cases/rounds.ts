import type { Task } from '../load/tasks.ts';
import type { WindowLength } from '../load/window.ts';
import type { MetricName, Round } from '../report/metrics.ts';
import type { EntrantReport } from '../report/shape.ts';
import type { Lab } from '../targets/lab.ts';
import type { Target } from '../targets/target.ts';
import { AuditCheck } from './audit-check.ts';
import type { CaseContext } from './case.ts';
import { measureWindow } from './measure.ts';

/** One of those who are measured in turn. */
export interface Entrant {
  readonly name: string;
  readonly target: Target;
  readonly tasks: readonly Task[];
  /** How often one run of a task makes an upstream execute a tool. */
  readonly executes: 0 | 1;
}

export const ROUND_METRICS: readonly MetricName[] = ['cpu', 'throughput', 'p50', 'p90', 'p99', 'added', 'rss', 'load'];

export interface Pace {
  /** What processes do in this case they did in none before, whether they are new or not. */
  readonly anew?: boolean;
  /**
   * Long windows. With large bodies V8 collects everything all the time, in part between short windows, where
   * nobody counts it.
   */
  readonly long?: boolean;
}

/** Length of a long window, in usual ones. */
export const LONG = 4;

/** Processes that were warmed up by an earlier case. */
const warm = new WeakSet<Target>();

/** Name of the entrant whose p50 is subtracted to see what the others add. */
const DIRECT = 'direct';

/**
 * Measures all entrants in each round, one after the other and in another order each time, so that what the machine
 * does meanwhile falls on all of them.
 */
export async function interleaved(
  entrants: readonly Entrant[],
  { lab, scale, progress }: CaseContext,
  { anew = false, long = false }: Pace = {},
): Promise<EntrantReport[]> {
  const counted: WindowLength | undefined = scale.calls === undefined ? undefined : { calls: scale.calls };
  const window = counted ?? { seconds: long ? scale.seconds * LONG : scale.seconds };
  const lanes = entrants.map((entrant) => new Lane(entrant, lab));
  try {
    for (const lane of lanes) {
      progress(`warming up ${lane.name}`);
      await lane.warmUp(
        counted ?? { seconds: anew || !warm.has(lane.target) ? scale.warmup.anew : scale.warmup.again },
      );
    }
    for (let round = 0; round < scale.rounds; round++) {
      progress(`round ${round + 1} of ${scale.rounds}`);
      for (const lane of inTurn(lanes, round)) await lane.measure(round, window);
    }
    for (const lane of lanes) await lane.checkAudit();
  } finally {
    for (const { tasks } of entrants) for (const task of tasks) task.close();
  }
  const direct = lanes.find(({ name }) => name === DIRECT);
  if (direct) for (const lane of lanes) lane.subtract(direct);
  return lanes.map(({ name, calls, faults, rounds }) => ({ name, calls, faults, rounds }));
}

/** Forwards and backwards, beginning with another one each time. */
export function inTurn<T>(entrants: readonly T[], round: number): T[] {
  const from = Math.floor(round / 2) % entrants.length;
  const turned = [...entrants.slice(from), ...entrants.slice(0, from)];
  return round % 2 === 0 ? turned : turned.reverse();
}

/** What one entrant delivers over the rounds, and what was wrong with it. */
class Lane implements EntrantReport {
  readonly name: string;
  readonly rounds: Round[] = [];
  readonly faults: string[] = [];
  calls = 0;
  readonly #entrant: Entrant;
  readonly #lab: Lab;
  readonly #audit: AuditCheck | undefined;

  constructor(entrant: Entrant, lab: Lab) {
    this.name = entrant.name;
    this.#entrant = entrant;
    this.#lab = lab;
    const { auditFile } = entrant.target;
    if (auditFile !== undefined && entrant.executes === 1) this.#audit = new AuditCheck(auditFile);
  }

  get target(): Target {
    return this.#entrant.target;
  }

  /** As in a round, with all that goes on beside it: V8 takes back what it compiled when it meets the first request of another kind. */
  async warmUp(length: WindowLength): Promise<void> {
    await this.#window(length);
    warm.add(this.target);
  }

  async measure(round: number, length: WindowLength): Promise<void> {
    this.rounds[round] = await this.#window(length);
  }

  async checkAudit(): Promise<void> {
    const fault = await this.#audit?.fault(this.calls);
    if (fault !== undefined) this.faults.push(fault);
  }

  /** Books what others add to the latency of this baseline. */
  subtract(direct: Lane): void {
    if (direct === this) return;
    for (const [index, round] of this.rounds.entries()) {
      const [p50, without] = [round.p50, direct.rounds[index]?.p50];
      if (p50 !== undefined && without !== undefined) round.added = p50 - without;
    }
  }

  /** Runs a window, and counts its calls and whether each was executed once and no oftener. */
  async #window(length: WindowLength): Promise<Round> {
    const { target, tasks, executes } = this.#entrant;
    const before = await this.#lab.executed();
    const { figures, window } = await measureWindow(target, tasks, length, this.#lab);
    const executed = (await this.#lab.executed()) - before;
    const { calls, failures } = window;
    this.calls += calls;
    for (const { kind, message } of failures) this.faults.push(`${kind}: ${message}`);
    const due = calls * executes;
    if (failures.length === 0 && executed !== due)
      this.faults.push(`${executed} calls were executed, ${due} were made`);
    const { complaint } = target;
    if (complaint !== undefined && !this.faults.includes(complaint)) this.faults.push(complaint);
    return figures;
  }
}
