import type { Experiment } from '../experiment.js';
import { KINDS, type UpstreamPlan } from '../world/upstreams.js';

const LIMITS = { timeout: '1s', max_total: '2s', connect_timeout: '1s', start_timeout: '5s' };

/**
 * A stopped process keeps its sockets and takes bytes, and says nothing: the hang of every kind of upstream. When it goes on, it
 * answers calls that nobody waits for any more, and those answers must reach nobody.
 */
export const FREEZE_UPSTREAMS: Experiment = {
  name: 'freeze-upstreams',
  about: 'each kind of upstream is stopped in the middle of calls and goes on later; another one must not notice',
  seconds: 15,
  world: {
    upstreams: [
      ...KINDS.map((kind): UpstreamPlan => ({ name: kind, kind, connection: LIMITS })),
      { name: 'calm', kind: 'http-json' },
    ],
    proxy: { heartbeat: { interval: '300ms', timeout: '1s', failures: 2 } },
  },
  load: { ms: [0, 20, 200] },
  unharmed: ['calm'],
  async run(stage) {
    const upstreams = KINDS.map((kind) => stage.world.upstream(kind));
    stage.progress('stopping them');
    for (const upstream of upstreams) upstream.signal('SIGSTOP');
    await Promise.all(KINDS.map((kind) => stage.calls(15, kind)));
    stage.progress('letting them go on');
    for (const upstream of upstreams) upstream.signal('SIGCONT');
    stage.faultEnds(...KINDS);
  },
};
