import type { Experiment } from '../experiment.js';
import { KINDS } from '../world/upstreams.js';

/** Each kind of upstream is killed in the middle of calls and started again, in an order of the seed's. */
export const KILL_UPSTREAMS: Experiment = {
  name: 'kill-upstreams',
  about: 'kill -9 of each kind of upstream in the middle of calls',
  seconds: 20,
  world: { upstreams: KINDS.map((kind) => ({ name: kind, kind })) },
  load: { ms: [0, 20, 200] },
  async run(stage) {
    for (const kind of stage.random.shuffle(KINDS)) {
      stage.progress(`killing ${kind}`);
      const upstream = stage.world.upstream(kind);
      await upstream.kill();
      await stage.calls(20);
      await upstream.start();
      stage.faultEnds(kind);
      await stage.recovered();
    }
  },
};
