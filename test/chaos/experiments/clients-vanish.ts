import { ERAS, type Era, Letters, Line, type Wire } from '../clients/rude.js';
import type { Experiment, Stage } from '../experiment.js';
import type { Order } from '../ledger/call.js';
import type { Kind } from '../world/upstreams.js';

const UPSTREAMS: readonly Kind[] = ['stdio', 'http-sessions', 'http-stream', 'modern'];
const ROUNDS = 2;
/** More than the sockets on the way take. */
const LARGE = 2 * 1024 * 1024;
/** Clients at once. */
const CROWD = 10;
/** A server without sessions cannot be answered when it asks. */
const CANNOT_ASK: Kind = 'http-stream';

/** A client on its way out. */
interface Visit {
  readonly line: Line;
  readonly wire: Wire;
  /** Waits until an upstream runs the call. */
  ran(): Promise<void>;
  hears(pattern: RegExp): Promise<void>;
}

interface Stop {
  readonly order?: Partial<Order>;
  /** Further arguments of the call. */
  readonly more?: object;
  /** Goes as far as this. */
  reach(visit: Visit): Promise<void> | void;
}

const half = (text: string) => text.slice(0, text.length / 2);
const sendAll = ({ line, wire }: Visit) => line.send(wire.head + wire.body);

/** Where a client can go away. */
const STOPS: Readonly<Record<string, Stop>> = {
  connected: { reach: () => {} },
  'within the headers': { reach: ({ line, wire }) => line.send(half(wire.head)) },
  'before the body': { reach: ({ line, wire }) => line.send(wire.head) },
  'within the body': { reach: ({ line, wire }) => line.send(wire.head + half(wire.body)) },
  'after the body': { reach: sendAll },
  'while the upstream works': {
    order: { ms: 200 },
    async reach(visit) {
      sendAll(visit);
      await visit.ran();
    },
  },
  'within the answer': {
    order: { size: LARGE },
    async reach(visit) {
      sendAll(visit);
      await visit.hears(/HTTP\/1\.1 200/);
    },
  },
  'within a stream': {
    more: { steps: 20 },
    async reach(visit) {
      sendAll(visit);
      await visit.hears(/notifications\/progress/);
    },
  },
  'at a question': {
    more: { ask: true },
    async reach(visit) {
      sendAll(visit);
      await visit.hears(/elicitation\/create/);
    },
  },
  'after the answer': {
    async reach(visit) {
      sendAll(visit);
      await visit.hears(/"result"/);
    },
  },
};

/**
 * A legacy client that goes away has not cancelled, a modern one has; nobody who stays notices either, and nothing of the ones
 * who went is kept: the questions end with `limits.ask`.
 */
export const CLIENTS_VANISH: Experiment = {
  name: 'clients-vanish',
  about: `clients of both eras go away, with FIN or RST: ${Object.keys(STOPS).join(', ')}, and from the stream of changes`,
  seconds: 30,
  world: {
    upstreams: UPSTREAMS.map((kind) => ({ name: kind, kind, connection: { idle: '1s' } })),
    server: { limits: { ask: '1s', parked_per_principal: 200 } },
  },
  unharmed: UPSTREAMS,
  async run(stage) {
    const letters = await Letters.ofBoth(stage.world.url);
    for (let round = 1; round <= ROUNDS; round++) {
      stage.progress(`round ${round}`);
      const visits = stage.random.shuffle(allVisits()).map((one, n) => {
        const nonce = stage.random.nonce(`vanish-${round}-${n}`);
        return { ...one, nonce, letters: letters[one.era] };
      });
      while (visits.length > 0) await Promise.all(visits.splice(0, CROWD).map((one) => vanish(stage, one)));
      await Promise.all(ERAS.map((era) => stopListening(stage, era, letters[era])));
      await stage.calls(50);
    }
  },
};

function allVisits() {
  const everywhere = UPSTREAMS.flatMap((upstream) =>
    Object.keys(STOPS).flatMap((stop) => ERAS.map((era) => ({ upstream, stop, era }))),
  );
  return everywhere.filter(({ upstream, stop }) => upstream !== CANNOT_ASK || stop !== 'at a question');
}

interface Vanishing {
  readonly upstream: string;
  readonly stop: string;
  readonly era: Era;
  readonly nonce: string;
  readonly letters: Letters;
}

async function vanish(stage: Stage, { upstream, stop, era, nonce, letters }: Vanishing): Promise<void> {
  const { world } = stage;
  const { order: own, more, reach } = STOPS[stop] as Stop;
  const order: Order = { nonce, upstream, tool: 'work', ms: 0, size: 100, ...own };
  const rudely = stage.random.coin();
  const sentAt = performance.now();
  const line = new Line(world.port);
  const where = `${era} client of ${upstream} ${stop}`;
  const visit: Visit = {
    line,
    wire: letters.call(order, more),
    ran: () => stage.until(`${where}: it runs`, () => world.ledger.begun().includes(nonce)),
    hears: (pattern) => stage.until(`${where}: it hears ${pattern}`, () => pattern.test(line.heard)),
  };
  try {
    await stage.until(`${where}: it is connected`, () => !line.socket.connecting);
    await reach(visit);
  } catch (error) {
    stage.problem(`${(error as Error).message}: ${line.heard.slice(0, 500)}`);
  }
  line.leave(rudely);
  const client = `vanishing-${era}`;
  world.ledger.add({ ...order, client, sentAt, settledAt: performance.now(), outcome: { kind: 'abandoned' } });
}

async function stopListening(stage: Stage, era: Era, letters: Letters): Promise<void> {
  const line = new Line(stage.world.port);
  const { head, body } = letters.listen();
  line.send(head + body);
  await stage.until(`the ${era} stream of changes is open`, () => /text\/event-stream/.test(line.heard));
  line.leave(stage.random.coin());
}
