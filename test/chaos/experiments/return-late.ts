import { toolNames } from '../../support/gateway.js';
import { RawSession } from '../../support/raw.js';
import { until } from '../../support/wait.js';
import type { Experiment, Stage } from '../experiment.js';
import { KINDS } from '../world/upstreams.js';

/**
 * Five minutes are the default of `proxy.grace`: after it the tools of an upstream that is down are listed no more. Here it is a
 * second, and the longest wait between two attempts is short, so that the same is seen in seconds.
 */
export const RETURN_LATE: Experiment = {
  name: 'return-late',
  about: 'every upstream but one is away for longer than proxy.grace and comes back',
  seconds: 20,
  world: {
    upstreams: [...KINDS.map((kind) => ({ name: kind, kind })), { name: 'calm', kind: 'http-json' }],
    proxy: { grace: '1s', retry: { initial: '50ms', max: '500ms' } },
  },
  unharmed: ['calm'],
  async run(stage) {
    const upstreams = KINDS.map((kind) => stage.world.upstream(kind));
    stage.progress('taking them away');
    await Promise.all(upstreams.map((upstream) => upstream.takeAway()));
    await listed(stage, ['calm']);
    await stage.calls(50);
    stage.progress('bringing them back');
    await Promise.all(upstreams.map((upstream) => upstream.start()));
    stage.faultEnds(...KINDS);
    await stage.recovered();
    await listed(stage, ['calm', ...KINDS]);
  },
};

/** Waits until exactly these upstreams have tools in the list. */
async function listed({ world }: Stage, names: readonly string[]): Promise<void> {
  const session = await RawSession.open(world.url);
  try {
    await until(`only ${names.join(', ')} are listed`, async () => {
      const servers = new Set((await toolNames(session)).map((name) => name.split(':')[0]));
      return servers.size === names.length && names.every((name) => servers.has(name));
    });
  } finally {
    await session.close();
  }
}
