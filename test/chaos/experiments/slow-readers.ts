import { sseData } from '../../support/raw.js';
import { outcomeOf } from '../clients/outcome.js';
import { ERAS, type Era, Letters, Line } from '../clients/rude.js';
import type { Experiment, Stage } from '../experiment.js';
import type { Order, Outcome } from '../ledger/call.js';
import { eventsOf, Flood } from '../world/faulty/flood.js';

/** Far more than sockets and buffers on the way take. */
const SIZE = 24 * 1024 * 1024;
/** Of each era. */
const READERS = 2;

/**
 * A stream runs as fast as its client reads, and no faster: the upstream has to wait. Who reads late misses nothing, who goes
 * away lets the upstream go, and who never reads is given up after `connection.timeout`.
 */
export const SLOW_READERS: Experiment = {
  name: 'slow-readers',
  about:
    'clients do not read the streams of fast upstreams: some read later, some go away, some never do; nobody else may notice',
  seconds: 30,
  world: {
    upstreams: [
      { name: 'fast', kind: 'faulty', connection: { timeout: '30s' } },
      { name: 'brief', kind: 'faulty', connection: { timeout: '2s' } },
      { name: 'calm', kind: 'http-json' },
    ],
  },
  load: { upstreams: ['calm'], sizes: [0, 100, 5_000] },
  unharmed: ['calm'],
  async run(stage) {
    const flood = new Flood();
    stage.world.faulty('fast').behaviour = flood.behaviour;
    const brief = new Flood();
    stage.world.faulty('brief').behaviour = brief.behaviour;
    stage.progress('calling, and not reading');
    const readers = (upstream: string) =>
      Promise.all(ERAS.flatMap((era) => Array.from({ length: READERS }, () => Reader.call(stage, era, upstream))));
    const late = await readers('fast');
    await stage.until('all upstreams have to wait', () => flood.stalled === late.length);
    await stage.calls(100);

    const leaving = late.splice(0, READERS * ERAS.length - ERAS.length);
    stage.progress('some go away');
    for (const reader of leaving) reader.leave();
    stage.progress('the others read');
    for (const reader of late) await reader.readAll();
    await stage.until('the upstreams of all are let go', () => flood.open === 0);

    stage.progress('some never read');
    const dead = await readers('brief');
    await stage.until('the upstreams of those who never read are let go', () => brief.open === 0);
    for (const reader of dead) await reader.readAll();
    const kept = dead.filter(({ code }) => code !== 'CLIENT_TOO_SLOW');
    if (kept.length > 0) stage.problem(`who never read was told ${kept.map(({ code }) => code).join(', ')}`);
  },
};

/** A client that has called, and reads nothing until it is told to. */
class Reader {
  code: string | undefined;
  readonly #stage: Stage;
  readonly #order: Order;
  readonly #line: Line;
  readonly #client: string;
  readonly #sentAt = performance.now();

  private constructor(stage: Stage, era: Era, order: Order, letters: Letters) {
    this.#stage = stage;
    this.#order = order;
    this.#client = `reader-${era}`;
    this.#line = new Line(stage.world.port);
    this.#line.socket.pause();
    const { head, body } = letters.call(order, { flood: SIZE });
    this.#line.send(head.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n') + body);
  }

  static async call(stage: Stage, era: Era, upstream: string): Promise<Reader> {
    const nonce = stage.random.nonce(`reader-${era}`);
    const order: Order = { nonce, upstream, tool: 'work', ms: 0, size: 100 };
    return new Reader(stage, era, order, await Letters.open(era, stage.world.url));
  }

  leave(): void {
    this.#line.leave(this.#stage.random.coin());
    this.#note({ kind: 'abandoned' });
  }

  /** To the end; each report has to be there, in its order. */
  async readAll(): Promise<void> {
    this.#line.socket.resume();
    await this.#stage.until(`${this.#client} has read everything`, () => this.#line.closed);
    const messages = sseData(dechunked(this.#line.heard));
    const reports = messages.flatMap((text) => (JSON.parse(text) as Report).params?.progress ?? []);
    const outcome = outcomeOf({ status: 200, session: undefined, messages }, this.#order.nonce);
    this.code = outcome.kind === 'error' ? outcome.code : undefined;
    const all = outcome.kind !== 'answer' || reports.length === eventsOf(SIZE);
    const inOrder = reports.every((progress, n) => progress === n + 1);
    if (!all || !inOrder) this.#stage.problem(`${this.#client} heard ${reports.length} of ${eventsOf(SIZE)} reports`);
    this.#note(outcome);
  }

  #note(outcome: Outcome): void {
    const times = { sentAt: this.#sentAt, settledAt: performance.now() };
    this.#stage.world.ledger.add({ ...this.#order, client: this.#client, ...times, outcome });
  }
}

interface Report {
  readonly params?: { readonly progress?: number };
}

/** The body of an answer, out of its chunks where it comes in any. */
function dechunked(heard: string): string {
  const start = heard.indexOf('\r\n\r\n') + 4;
  if (!/transfer-encoding: chunked/i.test(heard.slice(0, start))) return heard.slice(start);
  const parts: string[] = [];
  for (let at = start; at < heard.length; ) {
    const line = heard.indexOf('\r\n', at);
    const length = Number.parseInt(heard.slice(at, line), 16);
    if (!(length > 0)) break;
    parts.push(heard.slice(line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
  return parts.join('');
}
