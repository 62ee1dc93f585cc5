import { Crowd } from '../load/crowd.ts';
import { INSPECT, Inspector } from '../machine/inspector.ts';
import { cpuNs, rssOf } from '../machine/usage.ts';
import { sleep } from '../machine/wait.ts';
import type { MetricName, Round } from '../report/metrics.ts';
import type { EntrantReport } from '../report/shape.ts';
import type { Target } from '../targets/target.ts';
import { DEFAULT_WORLD, type World } from '../targets/world.ts';
import type { Case, CaseContext, Scale } from './case.ts';
import { inTurn } from './rounds.ts';

const [KB, MB] = [1024, 1024 * 1024];
const METRICS: readonly MetricName[] = ['rssEach', 'heapEach', 'rssTotal', 'heapLeft', 'idleCpu'];

/** Sessions that come and go before the ones that are counted. */
const WARMUP = 200;

/** What a session costs that nobody uses: each has called a stateful upstream's tool and set a log level. */
export function idleCases(): Case[] {
  return [
    idleCase('idle-streams', 'sessions of 200 callers with an open stream each', true, (scale) => scale.idleStreams),
    idleCase('idle-sessions', 'sessions of 200 callers without streams', false, (scale) => scale.idleSessions),
  ];
}

function idleCase(name: string, about: string, streams: boolean, countOf: (scale: Scale) => number): Case {
  return {
    name,
    about,
    needs: [],
    metrics: METRICS,
    async run(context) {
      await context.pool.leave();
      const count = countOf(context.scale);
      const entrants = await measureAll(context, count, streams);
      return { name, about: `${count} ${about}`, base: 'floor', metrics: METRICS, entrants };
    },
  };
}

async function measureAll(context: CaseContext, count: number, streams: boolean): Promise<EntrantReport[]> {
  const { lab, profiles, scale, progress } = context;
  const world: World = {
    ...DEFAULT_WORLD,
    upstreams: 1,
    upstream: { ...DEFAULT_WORLD.upstream, state: 'sessions' },
    sessions: 2 * count,
  };
  const entrants = [
    { name: 'floor', start: () => lab.floor(world, 'pass', [INSPECT]) },
    ...profiles.map((profile) => ({ name: profile, start: () => lab.gateway(profile, world, [INSPECT]) })),
  ];
  const reports = entrants.map(({ name }) => ({ name, calls: 0, faults: [] as string[], rounds: [] as Round[] }));
  for (let round = 0; round < scale.idleRounds; round++) {
    for (const entrant of inTurn(entrants, round)) {
      progress(`round ${round + 1}: ${count} sessions at ${entrant.name}`);
      const report = reports[entrants.indexOf(entrant)] as (typeof reports)[number];
      const target = await entrant.start();
      try {
        report.rounds[round] = await measureOne(target, count, streams, scale.settle);
        report.calls += count;
      } catch (error) {
        report.faults.push((error as Error).message);
        report.rounds[round] = {};
      } finally {
        await target.running.stop();
      }
    }
  }
  return reports;
}

async function measureOne(target: Target, count: number, streams: boolean, settle: number): Promise<Round> {
  const inspector = await Inspector.attach(target.running);
  const pids = target.pids();
  const crowd = new Crowd(target.door);
  const read = async () => {
    await sleep(settle);
    return { heap: await inspector.heapInUse(), rss: rssOf(pids) };
  };
  try {
    // What code, caches and pools take once is not the sessions' doing.
    await crowd.gather(Math.min(WARMUP, count), { streams });
    await crowd.leave();
    const before = await read();
    await crowd.gather(count, { streams });
    const during = await read();
    const idleCpu = await idleCpuOf(pids, settle);
    await crowd.check();
    await crowd.leave();
    const after = await read();
    return {
      rssEach: (during.rss - before.rss) / count / KB,
      heapEach: (during.heap - before.heap) / count / KB,
      rssTotal: (during.rss - before.rss) / MB,
      heapLeft: (after.heap - before.heap) / count / KB,
      idleCpu,
    };
  } finally {
    crowd.disperse();
    inspector.close();
  }
}

async function idleCpuOf(pids: readonly number[], ms: number): Promise<number> {
  const before = cpuNs(pids);
  await sleep(ms);
  return ((cpuNs(pids) - before) / (ms * 1e6)) * 100;
}
