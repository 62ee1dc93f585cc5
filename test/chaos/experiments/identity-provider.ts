import type { Answers } from '../../support/switchboard.js';
import { RawModern } from '../clients/raw-modern.js';
import type { Experiment, Stage } from '../experiment.js';
import { answer, Providers } from '../world/providers.js';

const DOWN: Readonly<Record<string, Answers>> = {
  'says 503': { status: 503 },
  'answers with a page': 'html',
  hangs: 'hang',
};
const STRANGERS = 5;

/**
 * Whose provider's keys are known must not notice that it is down. Whose provider never answered cannot be judged: they get a
 * clear error, and are let in when the provider is there.
 */
export const IDENTITY_PROVIDER: Experiment = {
  name: 'identity-provider',
  about: 'one identity provider is down since before the start, another one goes down',
  seconds: 12,
  world: {
    upstreams: [
      { name: 'known', kind: 'http-json' },
      { name: 'late', kind: 'http-json' },
    ],
    beside: (port) => Providers.start(port),
  },
  load: { upstreams: ['known'], official: [] },
  unharmed: ['known'],
  async run(stage) {
    const providers = Providers.of(stage.world);
    const how = stage.random.pick(Object.keys(DOWN));
    stage.progress(`the known provider ${how}`);
    answer(providers.known, DOWN[how] as Answers);
    const strangers = Array.from(
      { length: STRANGERS },
      (_, n) => new RawModern(`stranger-${n}`, stage.world.url, providers.bearer(providers.late)),
    );
    await callAll(stage, strangers);
    await stage.calls(100);
    stage.progress('both are there');
    for (const provider of [providers.known, providers.late]) answer(provider, 'ok');
    stage.faultEnds('late');
    const [first] = strangers as [RawModern];
    await stage.until('a caller of the late provider is let in', async () => {
      return (await stage.call(first, 'late')).kind === 'answer';
    });
    const out = (await callAll(stage, strangers)).filter(({ kind }) => kind !== 'answer');
    if (out.length > 0) stage.problem(`${out.length} callers are still kept out: ${JSON.stringify(out[0])}`);
    await Promise.all(strangers.map((stranger) => stranger.close()));
  },
};

function callAll(stage: Stage, clients: readonly RawModern[]) {
  return Promise.all(clients.map((client) => stage.call(client, 'late')));
}
