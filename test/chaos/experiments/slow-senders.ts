import { ERAS, type Era, Letters, Line, type Wire } from '../clients/rude.js';
import type { Experiment, Stage } from '../experiment.js';
import type { Order, Outcome } from '../ledger/call.js';

/** Of each era and kind. */
const CLIENTS = 25;
/** Milliseconds between two bytes: far too slow for what a request has. */
const PAUSE = 50;
/** Pieces of a request that comes slowly, but in time. */
const PIECE = 40;

/** How much of a request comes at once, before the rest comes byte by byte. */
const SLOW: Readonly<Record<string, (wire: Wire) => string>> = {
  headers: () => '',
  body: ({ head }) => head,
};

/**
 * Who sends byte by byte holds a connection and nothing else, and is let go by an answer that says why when the request has not
 * arrived in time. Who is slow and makes it in time is served.
 */
export const SLOW_SENDERS: Experiment = {
  name: 'slow-senders',
  about: `${2 * ERAS.length * CLIENTS} clients send headers or bodies byte by byte, others in small pieces; nobody else may notice`,
  seconds: 20,
  world: {
    upstreams: [
      { name: 'wanted', kind: 'http-json' },
      { name: 'calm', kind: 'http-json' },
    ],
    server: { limits: { headers_timeout: '2s', request_timeout: '3s' } },
  },
  load: { upstreams: ['calm'] },
  unharmed: ['calm'],
  async run(stage) {
    stage.progress('sending byte by byte');
    const letters = await Letters.ofBoth(stage.world.url);
    const clients = ERAS.flatMap((era) =>
      Object.keys(SLOW).flatMap((what) => Array.from({ length: CLIENTS }, (_, n) => ({ era, what, n }))),
    );
    const slow = Promise.all(clients.map((one) => creep(stage, one, letters[one.era])));
    await Promise.all(ERAS.map((era) => inPieces(stage, era, letters[era])));
    await slow;
    stage.faultEnds('wanted');
    for (const era of ERAS) await inPieces(stage, era, letters[era]);
  },
};

interface Creeping {
  readonly era: Era;
  readonly what: string;
  readonly n: number;
}

async function creep(stage: Stage, { era, what, n }: Creeping, letters: Letters): Promise<void> {
  const order = orderOf(stage, `creep-${era}-${what}-${n}`);
  const wire = letters.call(order);
  const atOnce = SLOW[what]?.(wire) ?? '';
  const rest = (wire.head + wire.body).slice(atOnce.length);
  const sentAt = performance.now();
  const line = new Line(stage.world.port);
  line.send(atOnce);
  let sent = 0;
  const timer = setInterval(() => line.send(rest.charAt(sent++)), PAUSE);
  await stage
    .until(`who sends the ${what} byte by byte (${era}) is let go`, () => line.closed || sent >= rest.length)
    .catch((error: Error) => stage.problem(error.message));
  clearInterval(timer);
  if (sent >= rest.length) stage.problem(`the ${what} byte by byte (${era}) were taken for as long as they came`);
  if (!/^HTTP\/1.1 408 /.test(line.heard))
    stage.problem(`no 408 for ${what} byte by byte: ${line.heard.slice(0, 200)}`);
  note(stage, order, era, { line, sentAt });
  line.leave(false);
}

async function inPieces(stage: Stage, era: Era, letters: Letters): Promise<void> {
  const order = orderOf(stage, `pieces-${era}`);
  const wire = letters.call(order);
  const text = wire.head + wire.body;
  const sentAt = performance.now();
  const line = new Line(stage.world.port);
  line.socket.setNoDelay(true);
  for (let at = 0; at < text.length; at += PIECE) {
    line.send(text.slice(at, at + PIECE));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await stage.until(
    `who sends in pieces (${era}) is answered`,
    () => /"(result|error)"/.test(line.heard) || line.closed,
  );
  note(stage, order, era, { line, sentAt });
  line.leave(false);
}

function orderOf(stage: Stage, name: string): Order {
  return { nonce: stage.random.nonce(name), upstream: 'wanted', tool: 'work', ms: 0, size: 100 };
}

interface Heard {
  readonly line: Line;
  readonly sentAt: number;
}

function note(stage: Stage, order: Order, era: Era, { line, sentAt }: Heard): void {
  const client = `slow-${era}`;
  stage.world.ledger.add({ ...order, client, sentAt, settledAt: performance.now(), outcome: outcomeIn(line.heard) });
}

function outcomeIn(heard: string): Outcome {
  const text = /"text":"([^"]*)"/.exec(heard)?.[1];
  if (text !== undefined) return { kind: 'answer', text };
  const code = /"code":"([A-Z_]+)"/.exec(heard)?.[1];
  return heard === '' ? { kind: 'broken', said: 'nothing came' } : { kind: 'error', code, said: heard.slice(0, 200) };
}
