import type { Experiment } from '../experiment.js';
import type { Kind, UpstreamPlan } from '../world/upstreams.js';

const RELAYED: readonly Kind[] = ['sse', 'http-sessions', 'http-json', 'http-stream', 'modern'];
const LIMITS = { timeout: '1s', max_total: '2s', connect_timeout: '1s', start_timeout: '1s' };

/** First only what is open dies, as behind a firewall that forgot it; then everything does, until the network is back. */
export const HALF_OPEN: Experiment = {
  name: 'half-open',
  about: 'connections stay open and nobody is at the other end: no FIN, no RST, no bytes',
  seconds: 20,
  world: {
    upstreams: [
      ...RELAYED.map((kind): UpstreamPlan => ({ name: kind, kind, relayed: true, connection: LIMITS })),
      { name: 'calm', kind: 'http-json' },
    ],
    proxy: { heartbeat: { interval: '300ms', timeout: '1s', failures: 2 } },
  },
  unharmed: ['calm'],
  async run(stage) {
    const relays = RELAYED.flatMap((kind) => stage.world.upstream(kind).relay ?? []);
    stage.progress('open connections die');
    for (const relay of relays) relay.swallow();
    stage.faultEnds(...RELAYED);
    await stage.recovered();

    stage.progress('the network dies');
    for (const relay of relays) {
      relay.swallowing = true;
      relay.swallow();
    }
    await Promise.all(RELAYED.map((kind) => stage.calls(10, kind)));
    stage.progress('the network is back');
    for (const relay of relays) relay.swallowing = false;
    stage.faultEnds(...RELAYED);
  },
};
