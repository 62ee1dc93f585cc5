import type { Experiment, Stage } from '../experiment.js';
import { KINDS, type Kind } from '../world/upstreams.js';

export const KILL_UPSTREAMS: Experiment = {
  name: 'kill-upstreams',
  about: 'kill -9 of each kind of upstream in the middle of calls; another one must not notice',
  seconds: 15,
  world: { upstreams: [...KINDS.map((kind) => ({ name: kind, kind })), { name: 'calm', kind: 'http-json' }] },
  load: { ms: [0, 20, 200] },
  unharmed: ['calm'],
  async run(stage) {
    stage.progress('killing');
    await Promise.all(stage.random.shuffle(KINDS).map((kind) => killInTheMiddle(stage, kind)));
    await Promise.all(KINDS.map((kind) => stage.calls(5, kind)));
    stage.progress('starting again');
    await Promise.all(KINDS.map((kind) => stage.world.upstream(kind).start()));
    stage.faultEnds(...KINDS);
  },
};

/** What ran then cannot have been answered, and may have had its effect. */
async function killInTheMiddle(stage: Stage, kind: Kind): Promise<void> {
  const ends = await stage.inTheMiddle(kind);
  await stage.world.upstream(kind).kill();
  for (const end of await ends()) {
    if (end.kind === 'error' && end.code === 'UPSTREAM_DISCONNECTED' && end.mayHaveRun) continue;
    stage.problem(`a call in the middle of the kill of ${kind} came to this end: ${JSON.stringify(end)}`);
  }
}
