import { DEFAULT_WORLD, type World } from '../targets/world.ts';
import type { Case, CaseContext } from './case.ts';
import { ROUND_METRICS } from './rounds.ts';
import { callsInTurn, type Neighbour, profileOf, sideBySide } from './side-by-side.ts';

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
  const { scale } = context;
  const rounds = scale.calls === undefined && scale.rounds >= 6 ? Math.max(WINDOWS, scale.rounds) : scale.rounds;
  const beside = (name: string, world: World): Neighbour => ({
    name,
    sessions: scale.sessions,
    start: (lab, profile) => lab.gateway(profile, world),
  });
  const entrants = await sideBySide({ ...context, scale: { ...scale, rounds } }, callsInTurn(UPSTREAMS - 1), [
    beside('all-well', WELL),
    beside('one-hung', HUNG),
  ]);
  const about = `tools/call, 64 B, 16 clients, nine upstreams in turn, the tenth well or hung, ${profileOf(context)}`;
  return { name: 'hung-upstream', about, base: 'all-well', metrics: ROUND_METRICS, entrants };
}
