import type { ClientSession } from '../load/client-sessions.ts';
import type { Door } from '../load/door.ts';
import type { Task } from '../load/tasks.ts';
import type { FloorSessions } from '../targets/lab.ts';
import type { Target } from '../targets/target.ts';
import { sameEra, type World } from '../targets/world.ts';
import type { CaseContext } from './case.ts';
import type { Entrant } from './rounds.ts';

/** What the clients of a case do. */
export interface Load {
  readonly concurrency: number;
  readonly executes: 0 | 1;
  /** How many sessions the clients share. */
  readonly sessions: number;
  /** Makes the clients of one target, one per slot. */
  clients(door: Door, sessions: readonly ClientSession[]): (slot: number) => Task;
}

export interface Line {
  /** Without a direct baseline there is no added latency. */
  readonly direct: boolean;
  readonly floorSessions: FloorSessions;
}

export const ALL_FOUR: Line = { direct: true, floorSessions: 'pass' };

/** Direct, bare proxy, and the gateway in each profile, all under the same load. */
export async function standardEntrants(context: CaseContext, world: World, load: Load, line: Line): Promise<Entrant[]> {
  const { lab, pool, profiles, progress } = context;
  await pool.enter(world);
  const entrants: Entrant[] = [];
  if (line.direct) entrants.push(await entrantOf('direct', lab.direct(world), load, sessionsFor(world, load)));
  progress('starting the bare proxy');
  const floor = await pool.floor(world, line.floorSessions);
  entrants.push(await entrantOf('floor', floor, load, sessionsFor(world, load)));
  for (const profile of profiles) {
    progress(`starting the gateway, ${profile}`);
    entrants.push(await entrantOf(profile, await pool.gateway(profile, world), load, load.sessions));
  }
  return entrants;
}

export async function entrantOf(name: string, target: Target, load: Load, sessions: number): Promise<Entrant> {
  const client = load.clients(target.door, await target.sessions(sessions));
  const tasks = Array.from({ length: load.concurrency }, (_, slot) => client(slot));
  return { name, target, tasks, executes: load.executes };
}

/** Where nobody hands out sessions one caller is as good as many. */
function sessionsFor(world: World, load: Load): number {
  return sameEra(world).state === 'none' ? 1 : load.sessions;
}
