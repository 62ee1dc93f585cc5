import { Calls } from '../load/tasks.ts';
import type { Target } from '../targets/target.ts';
import { DEFAULT_WORLD, type World } from '../targets/world.ts';
import type { Case, CaseContext } from './case.ts';
import { entrantOf, type Load } from './entrants.ts';
import { type Entrant, interleaved, ROUND_METRICS } from './rounds.ts';

const UPSTREAMS = 10;
/** Windows whose median counts; a quick run has fewer. */
const WINDOWS = 10;

const WELL: World = { ...DEFAULT_WORLD, upstreams: UPSTREAMS };
const HUNG: World = { ...WELL, lastHangs: true };

/**
 * One upstream out of ten takes connections and never answers. Calls to the other nine must cost and take what they do
 * without it: two gateways run side by side, one whose tenth upstream is well and one whose tenth hangs.
 */
export function hungCase(): Case {
  return {
    name: 'hung-upstream',
    about: 'tools/call, 64 B, 16 clients, nine upstreams in turn beside a tenth that never answers',
    needs: [],
    metrics: ROUND_METRICS,
    run,
  };
}

async function run(context: CaseContext) {
  const { lab, pool, profiles, progress, scale } = context;
  const profile = profiles.includes('everything') ? 'everything' : 'bare';
  await pool.leave();
  const entrants: Entrant[] = [];
  const started: Target[] = [];
  try {
    for (const [name, world] of [
      ['all-well', WELL],
      ['one-hung', HUNG],
    ] as const) {
      progress(`starting the gateway, ${name}`);
      const target = await lab.gateway(profile, world);
      started.push(target);
      entrants.push(await entrantOf(name, target, load, scale.sessions));
    }
    const rounds = scale.calls === undefined && scale.rounds >= 6 ? Math.max(WINDOWS, scale.rounds) : scale.rounds;
    const measured = await interleaved(entrants, { ...context, scale: { ...scale, rounds } });
    const about = `tools/call, 64 B, 16 clients, nine upstreams in turn, the tenth well or hung, ${profile}`;
    return { name: 'hung-upstream', about, base: 'all-well', metrics: ROUND_METRICS, entrants: measured };
  } finally {
    await Promise.all(started.map(({ running }) => running.stop()));
  }
}

const load: Load = {
  concurrency: 16,
  executes: 1,
  sessions: 0,
  clients(door, sessions) {
    const tools = Array.from({ length: UPSTREAMS - 1 }, (_, upstream): [number, number] => [upstream, 0]);
    const calls = new Calls(door, sessions, { size: 64, tools });
    return (slot) => calls.task(slot);
  },
};
