import type { Task } from '../load/tasks.ts';
import { runWindow, type WindowLength, type WindowResult } from '../load/window.ts';
import type { MetricName, Round } from '../report/metrics.ts';
import type { EntrantReport } from '../report/shape.ts';
import type { Lab } from '../targets/lab.ts';
import type { Target } from '../targets/target.ts';
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

interface Tally {
  readonly rounds: Round[];
  readonly faults: string[];
  calls: number;
}

/** Name of the entrant whose p50 is subtracted to see what the others add. */
const DIRECT = 'direct';

/**
 * Measures all entrants in each round, one after the other and in another order each time, so that what the machine
 * does meanwhile falls on all of them.
 */
export async function interleaved(
  entrants: readonly Entrant[],
  { lab, scale, progress }: CaseContext,
): Promise<EntrantReport[]> {
  const tallies = new Map<Entrant, Tally>(entrants.map((entrant) => [entrant, { rounds: [], faults: [], calls: 0 }]));
  const length: WindowLength = scale.calls === undefined ? { seconds: scale.seconds } : { calls: scale.calls };
  try {
    for (const entrant of entrants) {
      progress(`warming up ${entrant.name}`);
      const warmup = scale.calls === undefined ? { seconds: scale.warmup } : length;
      await counted(entrant, tallyOf(entrant), lab, () => runWindow(entrant.tasks, warmup));
    }
    for (let round = 0; round < scale.rounds; round++) {
      progress(`round ${round + 1} of ${scale.rounds}`);
      for (const entrant of inTurn(entrants, round)) {
        const tally = tallyOf(entrant);
        await counted(entrant, tally, lab, async () => {
          const { figures, window } = await measureWindow(entrant.target, entrant.tasks, length, lab.upstream.pid);
          tally.rounds[round] = figures;
          return window;
        });
      }
    }
  } finally {
    for (const { tasks } of entrants) for (const task of tasks) task.close();
  }
  const direct = entrants.find(({ name }) => name === DIRECT);
  if (direct) for (const entrant of entrants) addLatency(tallyOf(entrant).rounds, tallyOf(direct).rounds);
  return entrants.map((entrant) => ({ name: entrant.name, ...tallyOf(entrant) }));

  function tallyOf(entrant: Entrant): Tally {
    return tallies.get(entrant) as Tally;
  }
}

/** Forwards and backwards, beginning with another one each time. */
export function inTurn<T>(entrants: readonly T[], round: number): T[] {
  const from = Math.floor(round / 2) % entrants.length;
  const turned = [...entrants.slice(from), ...entrants.slice(0, from)];
  return round % 2 === 0 ? turned : turned.reverse();
}

/** Runs a window and books what was wrong in it, and whether each call was executed once and no oftener. */
async function counted(entrant: Entrant, tally: Tally, lab: Lab, run: () => Promise<WindowResult>): Promise<void> {
  const before = await lab.executed();
  const { calls, failures } = await run();
  const executed = (await lab.executed()) - before;
  tally.calls += calls;
  for (const { kind, message } of failures) tally.faults.push(`${kind}: ${message}`);
  const due = calls * entrant.executes;
  if (failures.length === 0 && executed !== due) tally.faults.push(`${executed} calls were executed, ${due} were made`);
  const { complaint } = entrant.target;
  if (complaint !== undefined && !tally.faults.includes(complaint)) tally.faults.push(complaint);
}

function addLatency(rounds: readonly Round[], direct: readonly Round[]): void {
  for (const [index, round] of rounds.entries()) {
    if (rounds === direct || round.p50 === undefined) continue;
    round.added = round.p50 - (direct[index]?.p50 ?? Number.NaN);
  }
}
