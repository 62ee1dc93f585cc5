import { describe, expect, it } from 'vitest';
import type { ClientSession, Exchange, Principal } from '#libs/kernel';
import { TestClient } from './testing/client.js';
import { progress, result } from './testing/fake-proxy.js';
import { gateways } from './testing/gateways.js';
import { send } from './testing/http.js';
import { ModernClient } from './testing/modern-client.js';
import { TokenUsers } from './testing/token-users.js';

const start = gateways();

async function guarded(handlers: Parameters<typeof start>[0] = {}) {
  const users = new TokenUsers();
  return { users, gateway: await start(handlers, { providers: [users] }) };
}

describe('two tokens of one user', () => {
  const scopes = ({ principal }: Exchange) => result({ groups: principal.claims['groups'] });

  it('are each served with their own claims, on one session and in turns', async () => {
    const { users, gateway } = await guarded({ who: scopes });
    const admin = users.give('admin', 'ann', { claims: { groups: ['Admin'] } });
    const plain = users.give('plain', 'ann', { claims: { groups: ['User'] } });
    const first = await TestClient.open(gateway.url, { headers: admin });
    const second = first.at(gateway.url, { headers: plain });
    for (let turn = 0; turn < 3; turn++) {
      expect((await first.request('who')).json.result).toEqual({ groups: ['Admin'] });
      expect((await second.request('who')).json.result).toEqual({ groups: ['User'] });
    }
  });

  it('hear on their streams what their own claims let them', async () => {
    const { users, gateway } = await guarded();
    const admin = users.give('admin', 'ann', { claims: { groups: ['Admin'] } });
    const plain = users.give('plain', 'ann', { claims: { groups: ['User'] } });
    const heard: Principal[] = [];
    const { subscribe } = gateway.proxy;
    gateway.proxy.subscribe = (session: ClientSession, channel) => {
      heard.push(session.principal);
      return subscribe.call(gateway.proxy, session, channel);
    };
    const client = await TestClient.open(gateway.url, { headers: admin });
    const wide = await client.listen();
    const narrow = await client.at(gateway.url, { headers: plain }).listen();
    expect(heard.map(({ claims }) => claims['groups'])).toEqual([['Admin'], ['User']]);
    narrow.close();
    await expect.poll(() => heard.map(({ claims }) => claims['groups'])).toEqual([['Admin'], ['User'], ['Admin']]);
    expect(gateway.proxy.subscribers.size).toBe(1);
    wide.close();
    await expect.poll(() => gateway.proxy.subscribers.size).toBe(0);
  });
});

describe("T040: another user's session", () => {
  it('is not found on POST, GET and DELETE, and stays untouched', async () => {
    const { users, gateway } = await guarded({ 'tools/list': () => result({ tools: [] }) });
    // One subject of two issuers is two users.
    const mine = users.give('a', 'ann');
    const others = [users.give('b', 'bob'), users.give('c', 'ann', {}, 'https://other.example')];
    const client = await TestClient.open(gateway.url, { headers: mine });
    const stream = await client.listen();
    for (const headers of others) {
      const thief = client.at(gateway.url, { headers });
      const answers = [
        await thief.request('tools/list'),
        await thief.notify('notifications/cancelled', { requestId: 1 }),
        await thief.notify('notifications/roots/list_changed'),
        await thief.send({ method: 'GET', headers: { accept: 'text/event-stream' } }),
        await thief.send({ method: 'DELETE' }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
      expect(new Set(answers.map(({ json }) => json.error.message)).size).toBe(1);
    }
    expect(gateway.proxy.handled).toEqual([]);
    expect(gateway.proxy.notifications).toEqual([]);
    expect(gateway.proxy.closed).toEqual([]);
    gateway.proxy.subscribers
      .get([...gateway.proxy.subscribers.keys()][0] ?? '')
      ?.deliver({ method: 'notifications/x' });
    expect((await stream.next()).method).toBe('notifications/x');
    expect((await client.request('tools/list')).status).toBe(200);
    expect(gateway.proxy.handled).toEqual(['tools/list']);
  });

  it('takes no answers to its questions from anybody else', async () => {
    const { users, gateway } = await guarded();
    const [mine, theirs] = [users.give('a', 'ann'), users.give('b', 'bob')];
    const client = await TestClient.open(gateway.url, { headers: mine });
    const stranger = await TestClient.open(gateway.url, { headers: theirs });
    const stream = await client.listen();
    const asked = [...gateway.proxy.subscribers.values()][0]?.ask({ method: 'roots/list', server: 's' });
    const { id } = await stream.next();
    expect((await client.at(gateway.url, { headers: theirs }).respond(id, { roots: ['evil'] })).status).toBe(404);
    await stranger.respond(id, { roots: ['evil'] });
    await client.respond(id, { roots: [] });
    expect(await asked?.answer).toMatchObject({ result: Buffer.from('{"roots":[]}') });
  });
});

describe("T048: another user's requestState", () => {
  it('is worth nothing, whether a call is parked behind it or it is an upstream own', async () => {
    const { users, gateway } = await guarded({
      'tools/call': async (exchange) => {
        const { answer } = exchange.ask({
          method: 'elicitation/create',
          params: Buffer.from('{"message":"?"}'),
          server: 's',
        });
        const settled = await answer;
        return { kind: 'result', result: settled.kind === 'result' ? settled.result : Buffer.from('{}') };
      },
      'prompts/get': () => ({ kind: 'input_required', result: Buffer.from('{"requestState":"up"}'), server: 's' }),
    });
    const capabilities = { elicitation: {} };
    const [mine, theirs] = [users.give('a', 'ann'), users.give('b', 'bob')];
    const ann = new ModernClient(gateway.url, { capabilities, headers: mine });
    const bob = ann.with({ headers: theirs });
    const parked = (await ann.tool()).json.result;
    const relayed = (await ann.request('prompts/get', { name: 'p' })).json.result;
    const before = gateway.proxy.handled.length;
    const inputResponses = Object.fromEntries(
      Object.keys(parked.inputRequests).map((key) => [key, { action: 'accept', content: { stolen: true } }]),
    );
    for (const refused of [
      await bob.tool({ requestState: parked.requestState, inputResponses }),
      await bob.request('prompts/get', { name: 'p', requestState: relayed.requestState }),
    ]) {
      expect(refused.json.error).toMatchObject({ code: -32602, data: { code: 'STATE_INVALID' } });
    }
    expect(gateway.proxy.handled).toHaveLength(before);
    const own = Object.fromEntries(Object.keys(inputResponses).map((key) => [key, { action: 'decline' }]));
    const done = await ann.tool({ requestState: parked.requestState, inputResponses: own });
    expect(done.json.result).toMatchObject({ action: 'decline' });
    await ann.request('prompts/get', { name: 'p', requestState: relayed.requestState });
    expect(gateway.proxy.handled).toHaveLength(before + 1);
  });
});

describe('T051: two clients with the same ids and tokens', () => {
  it('each hear their own progress and their own answers only', async () => {
    const { users, gateway } = await guarded({
      'tools/call': (exchange, request) => {
        for (let step = 0; step < 3; step++) progress(exchange, step);
        return result({ for: exchange.principal.subject, asked: request.params?.get('name')?.string() });
      },
    });
    const people = await Promise.all(
      ['ann', 'bob'].map(async (name) => ({
        name,
        client: await TestClient.open(gateway.url, { headers: users.give(name, name) }),
      })),
    );
    const params = (name: string) => ({ name, _meta: { progressToken: 'same' } });
    const read = await Promise.all(
      people.map(async ({ name, client }) => (await client.stream('tools/call', params(name), 7)).rest()),
    );
    for (const [index, { name }] of people.entries()) {
      expect(read[index]).toHaveLength(4);
      expect(read[index]?.at(-1)).toEqual({ jsonrpc: '2.0', id: 7, result: { for: name, asked: name } });
    }
  });
});

describe('T053: Last-Event-ID', () => {
  it('of whatever stream opens an empty one: nothing is kept to be had later', async () => {
    const { users, gateway } = await guarded();
    const [mine, theirs] = [users.give('a', 'ann'), users.give('b', 'bob')];
    const ann = await TestClient.open(gateway.url, { headers: mine });
    const bob = await TestClient.open(gateway.url, { headers: theirs });
    const missed = await ann.listen();
    [...gateway.proxy.subscribers.values()][0]?.deliver({ method: 'notifications/secret' });
    expect((await missed.next()).method).toBe('notifications/secret');
    const headers = { accept: 'text/event-stream', 'last-event-id': '0' };
    expect((await ann.at(gateway.url, { headers: theirs }).send({ method: 'GET', headers })).status).toBe(404);
    const stream = await bob.at(gateway.url, { headers: { ...theirs, 'last-event-id': '0' } }).listen();
    gateway.drain.endAll();
    expect(await stream.rest()).toEqual([]);
  });
});

describe('T026: one subject of two issuers', () => {
  it('is counted, and served, as two', async () => {
    const { users, gateway } = await guarded({ who: ({ principal }) => result({ key: principal.key }) });
    const one = await TestClient.open(gateway.url, { headers: users.give('a', 'ann') });
    const two = await TestClient.open(gateway.url, { headers: users.give('b', 'ann', {}, 'https://other.example') });
    const keys = [await one.request('who'), await two.request('who')].map(({ json }) => json.result.key);
    expect(new Set(keys).size).toBe(2);
    expect((await send(gateway.url, { headers: { 'mcp-session-id': one.session }, method: 'DELETE' })).status).toBe(
      401,
    );
  });
});
