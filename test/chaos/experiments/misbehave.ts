import type { Experiment, Stage } from '../experiment.js';
import { HANGS, NONSENSE, RESETS } from '../world/faulty/behaviours.js';
import { type Behaviour, honest } from '../world/faulty/exchange.js';
import type { UpstreamPlan } from '../world/upstreams.js';

/** Calls to each upstream while it misbehaves. */
const CALLS = 12;
/** Short, so that a call which gets no answer ends soon. */
const LIMITS = { timeout: '1s', max_total: '2s', limits: { event: '1MiB' } };

function misbehaving(name: string, about: string, behaviours: Readonly<Record<string, Behaviour>>): Experiment {
  const names = Object.keys(behaviours);
  const faulty = names.map((one): UpstreamPlan => ({ name: one, kind: 'faulty', connection: LIMITS }));
  return {
    name,
    about: `${about}: ${names.join(', ')}; another upstream must not notice`,
    seconds: 12,
    world: { upstreams: [...faulty, { name: 'calm', kind: 'http-json' }] },
    unharmed: ['calm'],
    run: (stage) => misbehave(stage, behaviours),
  };
}

async function misbehave(stage: Stage, behaviours: Readonly<Record<string, Behaviour>>): Promise<void> {
  const all = Object.entries(behaviours);
  stage.progress('misbehaving');
  for (const [name, behaviour] of all) stage.world.faulty(name).behaviour = behaviour;
  await Promise.all(all.map(([name]) => stage.calls(CALLS, name)));
  stage.progress('behaving again');
  for (const [name] of all) stage.world.faulty(name).behaviour = honest;
  stage.faultEnds(...all.map(([name]) => name));
}

export const UPSTREAMS_HANG = misbehaving('upstreams-hang', 'upstreams that say nothing more', HANGS);
export const UPSTREAMS_RESET = misbehaving('upstreams-reset', 'upstreams that reset connections', RESETS);
export const UPSTREAMS_BABBLE = misbehaving('upstreams-babble', 'upstreams that answer nonsense', NONSENSE);
