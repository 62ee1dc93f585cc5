import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { startProcess, untilOutput } from '../support/processes.js';
import { http, startRich, startRichModern } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';
import { answerTo, legacyClient, modernClient, type RollingClient, reason, type User } from './clients.js';
import { Fleet } from './fleet.js';
import { Outcomes } from './outcomes.js';
import { Steady } from './steady.js';

/** Clients of each era. */
const CLIENTS = Number(process.env['ROLLING_CLIENTS'] ?? 32);
const ROUNDS = Number(process.env['ROLLING_ROUNDS'] ?? 3);

/**
 * What may become of things that one process holds while processes restart in turn (docs/sessions.md), and nothing else.
 * Calls of tools that may be repeated, of upstreams without state, are not here: none of them fails.
 */
const OUTCOMES = {
  // The call reached a process without the session's state; its answer another process than the one that asked; that
  // process stopped before there was an answer.
  'a question to a legacy client': ['REPLICA_STATE', 'REPLICA_STATE: the answer', 'SHUTTING_DOWN', 'answered'],
  // The call is parked. The retry reached the process that holds it; another one, or the restarted one.
  'a question of a legacy upstream to a modern client': ['STATE_LOST', 'answered'],
  // Nothing is kept: the state travels in the sealed requestState.
  'a question of a modern upstream to a modern client': ['answered'],
  // The process the session was made at, or one that was restarted since; another one.
  'a subscription of a legacy client': ['REPLICA_STATE', 'subscribed'],
  'a subscription of a modern client': ['subscribed'],
  'the end of a subscription of a modern client': ['graceful'],
  'a call of a legacy client to an upstream with sessions': ['REPLICA_STATE', 'answered'],
  // Its upstream session belongs to its caller, and each process opens one.
  'a call of a modern client to an upstream with sessions': ['answered'],
};
type Kind = keyof typeof OUTCOMES;

const cleanup = new Cleanup();
afterEach(() => cleanup.close());

async function steadyServer(era: 'legacy' | 'modern'): Promise<string> {
  const server = cleanup.add(startProcess(['test/fixtures/steady-server.mjs', '--era', era]));
  return (await untilOutput(server, /"url":"([^"]+)"/))[1] ?? '';
}

async function startFleet(): Promise<Fleet> {
  const [plain, stateless] = await Promise.all([steadyServer('legacy'), steadyServer('modern')]);
  const kept = cleanup.add(await startRich());
  const asking = cleanup.add(await startRichModern('--era', 'modern'));
  const many = { streams_per_principal: 1000, parked_per_principal: 1000, sessions_per_principal: 1000 };
  const server = {
    session_key: randomBytes(32).toString('base64'),
    // The default, which clients give up idle connections within; some running calls wait for answers that never come.
    shutdown: { drain: '5s', timeout: '2s' },
    // A machine that is busy with other things must not shed load here.
    limits: { ...many, event_loop_delay: 0 },
  };
  const servers = [
    { ...http('plain', plain), required: true },
    { ...http('stateless', stateless), required: true },
    // A call whose client's answer was refused goes on waiting for one, on a connection of its own.
    { ...http('kept', kept.url, { pool: 256 }), required: true, state: 'session' },
    { ...http('asking', asking.url), required: true },
  ];
  return Fleet.start(2, { server, servers }, cleanup);
}

// Not by the lowest bit: the balancer hands connections out in turn, and clients that do the same at the same time would all
// be unlucky in the same way.
const isPatient = (index: number): boolean => (index & 2) > 0;
const asksModern = (index: number): boolean => (index & 4) > 0;

/** The people behind the clients. Some of them answer at once, the others when they are released. */
class Users {
  readonly asked = new Set<string>();
  #release = (): void => {};
  #released = Promise.resolve();

  hold(): void {
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#release();
  }

  of(index: number): User {
    return async (told) => {
      // The gateway says which server asks.
      const message = told.replace(/^\[\w+\] /, '');
      this.asked.add(message);
      if (isPatient(index)) await this.#released;
      return answerTo(message);
    };
  }
}

async function connectAll(url: string, users: Users): Promise<RollingClient[]> {
  const indices = Array.from({ length: CLIENTS }, (_, index) => index);
  const clients = await Promise.all([
    ...indices.map((index) => legacyClient(url, `legacy ${index}`, users.of(index))),
    ...indices.map((index) => modernClient(url, `modern ${index}`, users.of(index))),
  ]);
  for (const client of clients) cleanup.add(client);
  return clients;
}

const URI = 'kept+memo://notes/1';

describe('two processes with one session key that restart in turn behind a balancer', () => {
  it('fail no call that may be repeated, keep all sessions, and say of everything else what became of it', async () => {
    const fleet = await startFleet();
    const users = new Users();
    const clients = await connectAll(fleet.url, users);
    const outcomes = new Outcomes<Kind>();

    const subscribe = async (client: RollingClient): Promise<void> => {
      const onEnd = (how: string) => {
        if (how === 'local') return;
        outcomes.add('the end of a subscription of a modern client', how);
        void subscribe(client);
      };
      outcomes.add(`a subscription of a ${client.era} client`, await client.subscribe(URI, onEnd));
    };
    const callKept = async (client: RollingClient, message: string): Promise<void> => {
      const answer = await client.call('kept:echo', { message }).catch(reason);
      const outcome = answer === message ? 'answered' : answer;
      outcomes.add(`a call of a ${client.era} client to an upstream with sessions`, outcome);
    };
    const ask = async (client: RollingClient, index: number, message: string): Promise<void> => {
      const relayed = client.era === 'modern' && asksModern(index);
      const outcome = await client.ask(relayed ? 'asking:ask' : 'kept:ask', message);
      users.asked.add(message);
      if (client.era === 'legacy') outcomes.add('a question to a legacy client', outcome);
      else outcomes.add(`a question of a ${relayed ? 'modern' : 'legacy'} upstream to a modern client`, outcome);
    };

    await Promise.all(clients.map(subscribe));
    const steady = clients.map((client) => new Steady(client, ['plain:nonce', 'stateless:nonce']));
    cleanup.run(() => Promise.all(steady.map((one) => one.stop())));
    for (let round = 1; round <= ROUNDS; round++) {
      for (let process = 0; process < fleet.size; process++) {
        const name = `restart ${round} of process ${process}`;
        const before = steady.map(({ answered }) => answered);
        users.hold();
        const questions = clients.map((client, index) => ask(client, index, `${client.name}, ${name}`));
        await until('everybody is asked', () => users.asked.size >= clients.length, 60_000);
        await Promise.all(clients.map((client) => callKept(client, `${client.name} before ${name}`)));
        const restarted = fleet.restart(process);
        await Promise.all(clients.map((client) => callKept(client, `${client.name} during ${name}`)));
        expect(await restarted, name).toEqual({ exit: 0, orphans: [] });
        users.release();
        await Promise.all(questions);
        users.asked.clear();
        await Promise.all(clients.filter(({ era }) => era === 'legacy').map(subscribe));
        for (const [index, { answered }] of steady.entries()) expect(answered).toBeGreaterThan(before[index] ?? 0);
      }
    }
    await Promise.all(steady.map((one) => one.stop()));

    expect(fleet.balancer.dropped, 'one process was always ready').toBe(0);
    expect(steady.flatMap(({ failures }) => failures)).toEqual([]);
    for (const { name, era, wire } of clients) {
      expect([name, wire.sent.get('initialize') ?? 0]).toEqual([name, era === 'legacy' ? 1 : 0]);
      expect([name, wire.refused.filter(({ status }) => status === 404)]).toEqual([name, []]);
    }
    expect(outcomes.table(), `how often each was seen:\n${outcomes}\n`).toEqual(OUTCOMES);

    // Everybody hears again of what changes.
    const [first] = clients;
    await until('all streams are open again', () =>
      clients.every(({ era, wire }) => era === 'modern' || wire.streams > 0),
    );
    await first?.call('asking:change', { kind: 'tools', name: 'late', present: true });
    const method = 'notifications/tools/list_changed';
    await until('everybody is told', () => clients.every(({ told }) => told.has(method)));
  }, 300_000);
});
