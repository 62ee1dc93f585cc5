import { toolNames } from '../../support/gateway.js';
import { RawSession } from '../../support/raw.js';
import type { ServerEntry } from '../../support/upstreams.js';
import { until } from '../../support/wait.js';
import type { Experiment, Stage } from '../experiment.js';
import type { UpstreamPlan } from '../world/upstreams.js';

const RELOADS = 12;
/** Upstreams whose entries stay as they are: nobody who calls them may notice a reload. */
const STILL: readonly UpstreamPlan[] = [
  { name: 'still-child', kind: 'stdio' },
  { name: 'still-sessions', kind: 'http-sessions' },
  { name: 'still-modern', kind: 'modern' },
];
/** Upstreams whose entries change again and again. */
const CHANGING: readonly UpstreamPlan[] = [
  { name: 'changing-child', kind: 'stdio' },
  { name: 'changing-http', kind: 'http-json' },
];
/** Its prefix is the number of the reload, so that the list tells which one is in force. */
const CLOCK: UpstreamPlan = { name: 'clock', kind: 'faulty' };

export const RELOAD: Experiment = {
  name: 'reload',
  about: 'the configuration changes under load, every third time to something with mistakes',
  seconds: 25,
  world: { upstreams: [...STILL, ...CHANGING, CLOCK] },
  load: { upstreams: [...STILL, ...CHANGING].map(({ name }) => name), ms: [0, 5, 100] },
  unharmed: STILL.map(({ name }) => name),
  async run(stage) {
    for (let count = 1; count <= RELOADS; count++) {
      stage.progress(`reload ${count}`);
      if (count % 3 === 0) stage.world.gateway.rewriteText('server: {port: none}\nproxy: [');
      await stage.calls(10);
      stage.world.gateway.rewrite(stage.world.config({ servers: stage.world.upstreams.map(changed(count)) }));
      await inForce(stage, `clock-${count}`);
      stage.faultEnds(...CHANGING.map(({ name }) => name));
      await stage.recovered();
    }
  },
};

function changed(count: number): (upstream: { entry: ServerEntry }) => ServerEntry {
  return ({ entry }) => {
    if (entry.name === CLOCK.name) return { ...entry, prefix: `clock-${count}` };
    if (!CHANGING.some(({ name }) => name === entry.name)) return entry;
    return { ...entry, connection: { ...(entry['connection'] as object), timeout: `${20 + count}s` } };
  };
}

async function inForce({ world }: Stage, prefix: string): Promise<void> {
  const session = await RawSession.open(world.url);
  try {
    await until(`${prefix} is in force`, async () =>
      (await toolNames(session)).some((name) => name.startsWith(`${prefix}:`)),
    );
  } finally {
    await session.close();
  }
}
