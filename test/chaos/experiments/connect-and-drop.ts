import { Letters, Line, type Wire } from '../clients/rude.js';
import type { Experiment, Stage } from '../experiment.js';
import type { Order } from '../ledger/call.js';

const CONNECTIONS = 1_000;
/** Open at once. */
const CROWD = 50;

/** What is sent before the connection is dropped; nobody waits whether it arrived. */
const SAID: Readonly<Record<string, (wire: Wire) => string>> = {
  nothing: () => '',
  'a line': ({ head }) => head.slice(0, head.indexOf('\n') + 1),
  headers: ({ head }) => head,
  'a call': ({ head, body }) => head + body,
};

export const CONNECT_AND_DROP: Experiment = {
  name: 'connect-and-drop',
  about: `${CONNECTIONS} connections are opened and dropped at once, with FIN or RST, after ${Object.keys(SAID).join(', ')}`,
  seconds: 25,
  world: {
    upstreams: [
      { name: 'child', kind: 'stdio', connection: { idle: '1s' } },
      { name: 'modern', kind: 'modern', connection: { idle: '1s' } },
    ],
  },
  unharmed: ['child', 'modern'],
  async run(stage) {
    const letters = Object.values(await Letters.ofBoth(stage.world.url));
    for (let count = 0; count < CONNECTIONS; count += CROWD) {
      if (count % 250 === 0) stage.progress(`${count} connections`);
      await Promise.all(Array.from({ length: CROWD }, (_, n) => drop(stage, count + n, stage.random.pick(letters))));
    }
    await stage.calls(100);
  },
};

async function drop(stage: Stage, count: number, letters: Letters): Promise<void> {
  const { world, random } = stage;
  const what = random.pick(Object.keys(SAID));
  const upstream = random.pick(['child', 'modern']);
  const order: Order = { nonce: `drop-${count}`, upstream, tool: 'work', ms: random.pick([0, 20]), size: 100 };
  const rudely = random.coin();
  const sentAt = performance.now();
  const line = new Line(world.port);
  await stage.until('a connection is taken', () => !line.socket.connecting);
  line.send(SAID[what]?.(letters.call(order)) ?? '');
  line.leave(rudely);
  await stage.until('the connection is gone', () => line.closed);
  world.ledger.add({
    ...order,
    client: 'dropping',
    sentAt,
    settledAt: performance.now(),
    outcome: { kind: 'abandoned' },
  });
}
