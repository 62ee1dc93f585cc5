import { DEFAULT_WORLD, type World } from '../targets/world.ts';
import type { Case, CaseContext, Scale } from './case.ts';
import { ROUND_METRICS } from './rounds.ts';
import { callsInTurn, type Neighbour, profileOf, sideBySide } from './side-by-side.ts';

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
  const { scale } = context;
  const { smallest, world, sessions } = AXES[name];
  const largest = scale.growth[name];
  const gateway = (value: number): Neighbour => ({
    name: `${name}=${value}`,
    sessions: sessions(value, scale),
    start: (lab, profile) => lab.gateway(profile, world(value)),
  });
  const entrants = await sideBySide(context, callsInTurn(1), [
    { name: 'floor', sessions: 1, start: (lab) => lab.floor(world(smallest)) },
    gateway(smallest),
    gateway(largest),
  ]);
  const about = `tools/call, 64 B, 16 clients, ${smallest} and ${largest} ${name}, ${profileOf(context)}`;
  return { name: `growth-${name}`, about, base: `${name}=${smallest}`, metrics: ROUND_METRICS, entrants };
}
