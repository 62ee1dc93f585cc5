import fc from 'fast-check';
import type { Arrival } from '../../support/recording-upstream.js';
import { noise, wounded } from '../gen/bytes.js';
import { jsonText } from '../gen/json.js';
import { CLIENT_MESSAGES, disguised, messageBytes } from '../gen/messages.js';
import { FAULTS, ODD_TEXTS } from '../sockets/faults.js';
import { draft, FORWARDED, KINDS, type Kind, PLACEHOLDERS, SHOT } from '../sockets/kinds.js';
import { type Draft, serialize } from '../sockets/request.js';
import { checkAgreement, checkAnswer, checkArrival } from '../sockets/verdict.js';
import type { WireAnswer } from '../sockets/wire.js';
import { UPSTREAM_KEY, usesSession, World } from '../sockets/world.js';
import { must, type Prepared, type Target } from '../target.js';

/** One request, told apart from its connection and from the session of the run. */
interface Shot {
  readonly kind: Kind;
  readonly faults: readonly { readonly name: string; readonly odd: string }[];
  /** Instead of the body that belongs to the kind. */
  readonly body: Buffer | undefined;
}

const fault = fc.record({
  name: fc.constantFrom(...Object.keys(FAULTS)),
  odd: fc.oneof(fc.constantFrom(...ODD_TEXTS), fc.string()),
});
/** Mostly those that would arrive: with the others, a hole does not show. */
const kind = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...FORWARDED) },
  { weight: 1, arbitrary: fc.constantFrom(...KINDS) },
);
const faults = fc.array(fault, { maxLength: 2 });
const around = fc
  .tuple(fc.constantFrom('name', 'arguments', '_meta', 'uri', 'x'), jsonText)
  .map(([key, value]) =>
    Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rec:read","${key}":${value}}}`),
  );

const shots: fc.Arbitrary<Shot> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind, faults, body: fc.constant(undefined) }) },
  {
    weight: 5,
    arbitrary: kind.chain((it) =>
      fc.record({
        kind: fc.constant(it),
        faults: fc.constant([]),
        body: wounded(fc.constant(draft(it, PLACEHOLDERS).body)),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind,
      faults: fc.constant([]),
      body: fc.oneof(messageBytes(CLIENT_MESSAGES), around, disguised),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind, faults, body: noise }) },
);

/** A request that was sent, for whatever of it arrives. */
interface Fired {
  readonly request: Draft;
  /** Why nothing may arrive. */
  readonly fatal: string | undefined;
  /** Its bytes are a request of their own, whose body can be read. */
  readonly whole: boolean;
}

/** The last ones: a server that sees its client leave may let a call go a little later. */
const RECENT = 64;
const recent = new Map<number, Fired>();

async function fire(world: World, shot: Shot): Promise<boolean> {
  world.shots++;
  const request = draft(shot.kind, world.identity);
  if (shot.body) request.body = shot.body;
  const wrong = shot.faults.flatMap(({ name, odd }) => {
    const found = FAULTS[name];
    found?.apply(request, odd, world.identity.foreign);
    return found ? [found] : [];
  });
  const apart = wrong.some(({ framing }) => framing) || request.method === 'HEAD';
  const bytes = serialize(request);
  world.upstream.journal.forget();
  const endless = request.method === 'GET' || request.body.includes('subscriptions/listen');
  const answers = apart ? await world.wire.finish(bytes) : [await world.wire.ask(bytes, endless)];
  for (const answer of answers) checkAnswer(answer);
  const refusal = shot.kind === 'elsewhere' ? -1 : wrong.findIndex(({ refused }) => refused);
  if (refusal >= 0) {
    const taken = answers.find(({ status }) => status < 400);
    must(taken === undefined, () => `${taken?.status} in spite of: ${shot.faults[refusal]?.name}`);
  }

  const fatal = shot.faults.find(({ name }) => FAULTS[name]?.fatal)?.name;
  recent.set(world.shots, { request, fatal, whole: !apart });
  recent.delete(world.shots - RECENT);
  const arrived = world.upstream.journal.work.filter((arrival) => judge(arrival, world.shots));
  must(arrived.length <= 1, () => `${arrived.length} requests arrived for one`);
  if (shot.faults.length === 0 && shot.body === undefined) return checkTwin(world, shot, answers[0], arrived.length);
  return arrived.length > 0;
}

/** Judges what arrived by the request it is of; says whether that is this one. */
function judge(arrival: Arrival, current: number): boolean {
  checkArrival(arrival, UPSTREAM_KEY);
  const meta = arrival.rpc.params?.['_meta'] as Readonly<Record<string, unknown>> | undefined;
  const number = Number(meta?.[SHOT] ?? 0);
  const of = recent.get(number) ?? recent.get(current);
  must(of?.fatal === undefined, () => `arrived in spite of: ${of?.fatal}`);
  if (of?.whole) checkAgreement(of.request, arrival);
  return of === recent.get(current);
}

/** Nothing is wrong with it: it has to come through. */
async function checkTwin(world: World, shot: Shot, answer: WireAnswer | undefined, arrived: number): Promise<boolean> {
  if (answer?.status === 404 && usesSession(draft(shot.kind, world.identity)) && shot.kind !== 'delete') {
    // A wounded request was still good enough to end the session.
    await world.newSession();
    return false;
  }
  const expected = FORWARDED.has(shot.kind) ? 1 : 0;
  must(
    arrived === expected,
    () => `${arrived} arrived for a good request: ${answer?.status} ${answer?.body.slice(0, 300)}`,
  );
  return expected === 1;
}

/** Bytes of a whole request, hurt anywhere. Whether they still are a request is for the server to say. */
const raw = kind.chain((it) =>
  wounded(fc.constant(serialize(draft(it, PLACEHOLDERS))), ['\r\nhost: evil.example', '\r\n\r\n', 'HTTP/0.9', ' \t']),
);

async function fireRaw(world: World, bytes: Buffer): Promise<void> {
  world.upstream.journal.forget();
  for (const answer of await world.wire.finish(world.filledIn(bytes))) checkAnswer(answer);
  for (const arrival of world.upstream.journal.work) checkArrival(arrival, UPSTREAM_KEY);
}

async function prepareWith(
  fireOne: (world: World) => fc.IRawProperty<unknown>,
  taken: () => number | undefined,
): Promise<Prepared> {
  const world = await World.begin();
  return {
    property: fireOne(world),
    taken,
    heap: () => world.heap(),
    rest: async () => world.complaints(),
    close: () => world.close(),
  };
}

export const SOCKET_TARGETS: readonly Target[] = [
  {
    name: 'requests',
    share: 24,
    prepare: () => {
      let taken = 0;
      const property = (world: World) =>
        fc.asyncProperty(shots, async (shot) => {
          if (await fire(world, shot)) taken++;
        }) as unknown as fc.IRawProperty<unknown>;
      return prepareWith(property, () => taken);
    },
  },
  {
    name: 'raw-requests',
    share: 8,
    prepare: () => {
      const property = (world: World) =>
        fc.asyncProperty(raw, (bytes) => fireRaw(world, bytes)) as unknown as fc.IRawProperty<unknown>;
      return prepareWith(property, () => undefined);
    },
  },
];
