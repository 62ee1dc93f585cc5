import { Calls } from '../load/tasks.ts';
import type { EntrantReport } from '../report/shape.ts';
import type { Profile } from '../targets/gateway-config.ts';
import type { Lab } from '../targets/lab.ts';
import type { Target } from '../targets/target.ts';
import type { CaseContext } from './case.ts';
import { entrantOf, type Load } from './entrants.ts';
import { type Entrant, interleaved } from './rounds.ts';

/** A target of a world of its own. */
export interface Neighbour {
  readonly name: string;
  /** How many sessions its clients share. */
  readonly sessions: number;
  /** `profile`: the gateway's, where it is one. */
  start(lab: Lab, profile: Profile): Promise<Target>;
}

/** Measures targets of several worlds, one entrant each: they run at the same time and end with the case. */
export async function sideBySide(
  context: CaseContext,
  load: Load,
  neighbours: readonly Neighbour[],
): Promise<EntrantReport[]> {
  const { lab, pool, progress } = context;
  const profile = profileOf(context);
  await pool.leave();
  const started: Target[] = [];
  try {
    const entrants: Entrant[] = [];
    for (const { name, sessions, start } of neighbours) {
      progress(`starting ${name}`);
      const target = await start(lab, profile);
      started.push(target);
      entrants.push(await entrantOf(name, target, load, sessions));
    }
    return await interleaved(entrants, context);
  } finally {
    await Promise.all(started.map(({ running }) => running.stop()));
  }
}

/** The gateways of such a case have one profile: the fullest there is. */
export function profileOf({ profiles }: CaseContext): Profile {
  return profiles.includes('everything') ? 'everything' : 'bare';
}

/** 64 B, 16 clients, one tool of each of so many upstreams in turn. */
export function callsInTurn(upstreams: number): Load {
  const tools = Array.from({ length: upstreams }, (_, upstream) => [upstream, 0] as const);
  return {
    concurrency: 16,
    executes: 1,
    sessions: 0,
    clients(door, sessions) {
      const calls = new Calls(door, sessions, { size: 64, tools });
      return (slot) => calls.task(slot);
    },
  };
}
