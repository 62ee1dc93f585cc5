import type { Random } from '../chaos/random.js';
import { HANGS, NONSENSE, RESETS } from '../chaos/world/faulty/behaviours.js';
import { type Behaviour, honest } from '../chaos/world/faulty/exchange.js';
import type { World } from '../chaos/world/world.js';
import { passed } from './pause.js';
import { FAULTY, FLAPPING } from './plan.js';

/** Milliseconds an upstream runs, and stays away. */
const UP = [4_000, 20_000] as const;
const DOWN = [200, 3_000] as const;
/** Milliseconds of one behaviour. */
const MOOD = [1_000, 5_000] as const;

const MOODS: readonly Behaviour[] = [HANGS, RESETS, NONSENSE].flatMap((kind) => Object.values(kind));

/**
 * Upstreams that go and come back, and one that makes mistakes. Resolves after `end`, when all are well again, with how often
 * each was ended.
 */
export async function disturbances(
  world: World,
  random: Random,
  end: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const flaps = FLAPPING.map(async (name) => [name, await flap(world, name, random.fork(), end)] as const);
  const [ended] = await Promise.all([Promise.all(flaps), moods(world, random.fork(), end)]);
  return new Map(ended);
}

async function flap(world: World, name: string, random: Random, end: AbortSignal): Promise<number> {
  const upstream = world.upstream(name);
  let count = 0;
  while (await passed(random.between(...UP), end)) {
    const stays = random.next() < 0.5;
    await (stays ? upstream.takeAway() : upstream.kill());
    if (stays) await passed(random.between(...DOWN), end);
    await upstream.start();
    count += 1;
  }
  return count;
}

/** Right as often as not, so that the breaker lets calls out to it. */
async function moods(world: World, random: Random, end: AbortSignal): Promise<void> {
  const upstream = world.faulty(FAULTY);
  while (await passed(random.between(...MOOD), end)) {
    upstream.behaviour = random.next() < 0.5 ? honest : random.pick(MOODS);
  }
  upstream.behaviour = honest;
}
