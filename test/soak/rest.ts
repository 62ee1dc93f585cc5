import { moreHandles } from '../chaos/world/processes.js';
import { until } from '../support/wait.js';
import { type Look, lookAt } from './look.js';
import { IDLE_MS } from './plan.js';

type Process = Parameters<typeof lookAt>[0];

/** Longest until nothing moves any more, in milliseconds: several times every idle time of the plan. */
const PATIENCE = 90_000;
/** Milliseconds without a change: longer than the idle times, so that nothing is still to end by itself. */
const QUIET = IDLE_MS + 2_000;

/** What the gateway holds when nobody calls: as soon as it has been the same for a while and nothing is under way. */
export async function atRest(gateway: Process): Promise<Look> {
  let last = '';
  let since = 0;
  return until(
    'the gateway comes to rest',
    async () => {
      const look = await lookAt(gateway);
      // Heartbeats come and go.
      const text = JSON.stringify({ ...look, upstreamPending: 0 });
      if (text !== last) since = performance.now();
      last = text;
      return performance.now() - since > QUIET && isIdle(look) && look;
    },
    PATIENCE,
  );
}

/** The same after the load, once it holds no more than before; after a while whatever it holds then. */
export async function backAtRest(gateway: Process, before: Look): Promise<Look> {
  let look = await lookAt(gateway);
  const isBack = async () => {
    look = await lookAt(gateway);
    return isIdle(look) && moreThan(before, look).length === 0;
  };
  await until('the gateway holds no more than before', isBack, PATIENCE).catch(() => undefined);
  return look;
}

function isIdle({ pending, upstreamPending, parked, streams }: Look): boolean {
  return pending + upstreamPending + parked + streams === 0;
}

/** What there is more of, as `children 3 -> 4`; of children and what only counts up also what there is less of. */
export function moreThan(before: Look, after: Look): string[] {
  const more = (['sessions', 'streams', 'upstreamSessions', 'pending', 'upstreamPending', 'parked'] as const)
    .filter((gauge) => after[gauge] > before[gauge])
    .map((gauge) => `${gauge} ${before[gauge]} -> ${after[gauge]}`);
  const children = after.children === before.children ? [] : [`children ${before.children} -> ${after.children}`];
  return [...moreHandles(before.handles, after.handles), ...children, ...more];
}
