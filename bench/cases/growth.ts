import { Calls } from '../load/tasks.ts';
import type { Target } from '../targets/target.ts';
import { DEFAULT_WORLD, type World } from '../targets/world.ts';
import type { Case, CaseContext, Scale } from './case.ts';
import { entrantOf, type Load } from './entrants.ts';
import { type Entrant, interleaved, ROUND_METRICS } from './rounds.ts';

type AxisName = keyof Scale['growth'];

interface Axis {
  readonly smallest: number;
  world(value: number): World;
  /** Sessions that call in turn. */
  sessions(value: number, scale: Scale): number;
}

const AXES: Record<AxisName, Axis> = {
  tools: {
    smallest: 10,
    world: (tools) => ({ ...DEFAULT_WORLD, upstreams: 1, upstream: { ...DEFAULT_WORLD.upstream, tools } }),
    sessions: (_, scale) => scale.sessions,
  },
  upstreams: {
    smallest: 1,
    world: (upstreams) => ({ ...DEFAULT_WORLD, upstreams }),
    sessions: (_, scale) => scale.sessions,
  },
  patterns: {
    smallest: 10,
    world: (patterns) => ({ ...DEFAULT_WORLD, upstreams: 1, patterns }),
    sessions: (_, scale) => scale.sessions,
  },
  sessions: {
    smallest: 1,
    world: (sessions) => ({ ...DEFAULT_WORLD, upstreams: 1, sessions: Math.max(DEFAULT_WORLD.sessions, sessions) }),
    sessions: (value) => value,
  },
};

/**
 * The same call of the same tool, with little and with much configured or connected: it must cost the same. Both gateways
 * run side by side, ratios are made to the smaller one, and the bare proxy is there for comparison.
 */
export function growthCases(): Case[] {
  return (Object.keys(AXES) as AxisName[]).map((axis) => ({
    name: `growth-${axis}`,
    about: `tools/call, 64 B, 16 clients, with few and with many ${axis}`,
    needs: axis === 'patterns' ? ['permissions'] : [],
    metrics: ROUND_METRICS,
    run: (context) => grow(axis, context),
  }));
}

async function grow(name: AxisName, context: CaseContext) {
  const { lab, pool, scale, profiles, progress } = context;
  const { smallest, world, sessions } = AXES[name];
  const profile = profiles.includes('everything') ? 'everything' : 'bare';
  // Each value is a world of its own; these two run together and end with the case.
  await pool.leave();
  const entrants: Entrant[] = [];
  const started: Target[] = [];
  try {
    const floor = await lab.floor(world(smallest));
    started.push(floor);
    entrants.push(await entrantOf('floor', floor, load, 1));
    for (const value of [smallest, scale.growth[name]]) {
      progress(`starting the gateway with ${value} ${name}`);
      const target = await lab.gateway(profile, world(value));
      started.push(target);
      entrants.push(await entrantOf(`${name}=${value}`, target, load, sessions(value, scale)));
    }
    const about = `tools/call, 64 B, 16 clients, ${smallest} and ${scale.growth[name]} ${name}, ${profile}`;
    const measured = await interleaved(entrants, context);
    return { name: `growth-${name}`, about, base: `${name}=${smallest}`, metrics: ROUND_METRICS, entrants: measured };
  } finally {
    await Promise.all(started.map(({ running }) => running.stop()));
  }
}

const load: Load = {
  concurrency: 16,
  executes: 1,
  sessions: 0,
  clients(door, sessions) {
    const calls = new Calls(door, sessions, { size: 64, tools: [[0, 0]] });
    return (slot) => calls.task(slot);
  },
};
