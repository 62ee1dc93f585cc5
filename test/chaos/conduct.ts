import { isAlive } from '../support/processes.js';
import { until } from '../support/wait.js';
import type { Experiment } from './experiment.js';
import type { Tally } from './ledger/count.js';
import { Load, type LoadPlan, USUAL } from './load.js';
import { Random } from './random.js';
import { LiveStage } from './stage.js';
import { endOf } from './world/ending.js';
import { handlesOf, moreHandles } from './world/processes.js';
import { World, type WorldOptions } from './world/world.js';

/** What became of the calls to one upstream. */
export interface Row extends Tally {
  readonly upstream: string;
  /** Milliseconds; undefined where nothing had to recover, or did not. */
  readonly recovery: number | undefined;
}

export interface Result extends Tally {
  readonly name: string;
  readonly about: string;
  readonly seconds: number;
  /** Of the slowest upstream. */
  readonly recovery: number | undefined;
  readonly rows: readonly Row[];
  /** A crash, something left behind, no recovery: what no single call shows. */
  readonly problems: readonly string[];
}

export interface ConductOptions extends WorldOptions {
  readonly seed: number;
  readonly progress: (text: string) => void;
  /** Longest handles and processes may take to go, in milliseconds. */
  readonly tidy?: number;
}

const TIDY = 20_000;
/** Calls before the fault, so that sessions, sockets and caches are what they are in service. */
const WARM = 150;
/** Calls after the recovery, all of which the world is well for. */
const AFTER = 50;

/** Runs one experiment in a world of its own and looks at everything afterwards. */
export async function conduct(experiment: Experiment, options: ConductOptions): Promise<Result> {
  const { name, about } = experiment;
  const started = performance.now();
  const random = new Random(options.seed);
  const say = (text: string) => options.progress(`${name}: ${text}`);
  say('starting');
  const world = await World.start(experiment.world, options);
  const stage = new LiveStage(world, random, say);
  try {
    await perform(experiment, stage, options.tidy);
  } catch (error) {
    stage.problem(error instanceof Error ? error.message : String(error));
  }
  const rows = rowsOf(experiment, stage);
  const tally = world.ledger.tally(experiment.allowed);
  await endOf(world, stage, options.tidy ?? TIDY);
  const seconds = (performance.now() - started) / 1_000;
  const waits = rows.flatMap(({ recovery }) => (recovery === undefined ? [] : [recovery]));
  const recovery = waits.length === 0 ? undefined : Math.max(...waits);
  return { name, about, seconds, recovery, rows, problems: stage.problems, ...tally };
}

function rowsOf({ allowed, unharmed = [], world: plan }: Experiment, stage: LiveStage): Row[] {
  const rows = plan.upstreams.map(({ name: upstream }) => ({
    upstream,
    recovery: stage.recoveryOf(upstream),
    ...stage.world.ledger.tally(allowed, upstream),
  }));
  for (const { upstream, clear, errors } of rows) {
    // Who went away on purpose was not failed.
    const failed = clear - (errors['abandoned'] ?? 0);
    if (!unharmed.includes(upstream) || failed === 0) continue;
    stage.problem(`${failed} calls to ${upstream}, which was well all the time, failed: ${JSON.stringify(errors)}`);
  }
  return rows;
}

async function perform(experiment: Experiment, stage: LiveStage, tidy = TIDY): Promise<void> {
  const { world, random } = stage;
  const upstreams = experiment.world.upstreams.map(({ name }) => name);
  const plan = { ...USUAL, upstreams, headers: world.headers, ...experiment.load };
  const { pid } = world.gateway;
  stage.progress('warming up');
  await underLoad(plan, stage, random.fork(), () => stage.calls(WARM));
  const before = await quiet(pid);
  const children = world.processes().length;

  await underLoad(plan, stage, random.fork(), async () => {
    await stage.calls(AFTER);
    await experiment.run(stage);
    await stage.recovered();
    await stage.calls(AFTER);
  });
  stage.progress('looking for what is left');
  if (!experiment.restarts && !(isAlive(pid) && world.gateway.pid === pid)) {
    stage.problem(`the gateway ended: ${world.gateway.output().slice(-2_000)}`);
    return;
  }
  await world.untilReady().catch((error: Error) => stage.problem(error.message));
  await until('no more processes than before', () => world.processes().length <= children, tidy).catch(() =>
    stage.problem(`processes ${children} -> ${world.processes().length}`),
  );
  await until('the gateway holds nothing for anybody', async () => (await world.held()) === '', tidy).catch(
    async (error: Error) => stage.problem(`${error.message}: ${await world.held()}`),
  );
  const after = () => moreHandles(before, handlesOf(world.gateway.pid));
  await until('no more handles than before', () => after().length === 0, tidy).catch(() =>
    stage.problem(`handles of the gateway: ${after().join(', ')}`),
  );
}

async function underLoad(
  plan: LoadPlan,
  { world }: LiveStage,
  random: Random,
  work: () => Promise<void>,
): Promise<void> {
  const load = new Load(world.url, plan, world.ledger, random);
  load.start();
  try {
    await work();
  } finally {
    await load.stop();
  }
}

/** Handles while nobody calls: as soon as two looks in a row see the same. */
async function quiet(pid: number): Promise<Record<string, number>> {
  let last = '';
  return until('the handles of the gateway stay the same', () => {
    const handles = handlesOf(pid);
    const text = JSON.stringify(handles);
    const same = text === last;
    last = text;
    return same ? handles : undefined;
  });
}
