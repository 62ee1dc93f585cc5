import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { http, type RawSession } from '../support/raw.js';
import { listen, post } from '../support/stream.js';
import { OTHERS, TwoUsers, type User } from '../support/two-users.js';
import { Cleanup, until } from '../support/wait.js';

const servers = new Cleanup();
const cleanup = new Cleanup();
let world: TwoUsers;
/** Tools the server got in these tests. */
let grown = 0;

beforeAll(async () => {
  world = await TwoUsers.start(servers, { rec: { era: 'legacy' }, plain: { era: 'legacy', sessions: false } });
});
beforeEach(() => world.forget());
afterEach(() => cleanup.close());
afterAll(() => servers.close());

const CALL = { id: 1, method: 'tools/call', params: { name: 'rec:read', arguments: {} } };
const body = JSON.stringify({ jsonrpc: '2.0', ...CALL });
const deeds = () => world.upstream('rec').journal.deeds;
const CHANGED = ({ method }: { method: string }) => method === 'notifications/resources/updated';

describe.each(OTHERS)('a session of ann, for %s', (name) => {
  let ann: RawSession;
  let other: User;
  beforeEach(async () => {
    other = world.other(name);
    ann = cleanup.add(await world.session(world.ann, { elicitation: { form: {} } }));
  });

  it('T040: is not found on POST, GET and DELETE, and goes on as before', async () => {
    const theirs = ann.at(ann.url, other);
    const refused = [
      await theirs.post(body),
      await http(ann.url, { method: 'GET', headers: { ...theirs.headers, accept: 'text/event-stream' } }),
      await http(ann.url, { method: 'DELETE', headers: theirs.headers }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([404, 404, 404]);
    const invented = await ann.at(ann.url, other).post(body, { 'mcp-session-id': `${ann.id.slice(0, -3)}AAA` });
    const withoutIds = (text: string) => text.replace(/"requestId":"[^"]*"/, '');
    expect(withoutIds(refused[0]?.text ?? '')).toBe(withoutIds(invented.text));
    expect(deeds()).toEqual([]);
    expect((await ann.post(body)).status).toBe(200);
    expect(deeds()).toEqual(['tools/call read']);
  });

  it('T040: has its subscriptions to itself', async () => {
    const own = cleanup.add(await world.session(other));
    const [mine, theirs] = [await listen(ann, cleanup), await listen(own, cleanup)];
    await ann.request('resources/subscribe', { uri: 'rec+memo://open' });
    // Somebody who never subscribed ends nothing.
    await own.request('resources/unsubscribe', { uri: 'rec+memo://open' });
    await until('ann is told', () => {
      world.upstream('rec').updated('memo://open');
      return mine.messages.items.some(CHANGED);
    });
    world.upstream('rec').grow(`tool_${++grown}`);
    await theirs.messages.first('a change of the lists', ({ method }) => method.endsWith('list_changed'));
    expect(theirs.messages.items.filter(CHANGED)).toEqual([]);
  });

  it('T053: has its events to itself, whatever id of an event a stranger names', async () => {
    const mine = await listen(ann, cleanup);
    await ann.request('resources/subscribe', { uri: 'rec+memo://open' });
    await until('ann is told', () => {
      world.upstream('rec').updated('memo://open');
      return mine.messages.items.some(CHANGED);
    });
    const own = cleanup.add(await world.session(other));
    for (const id of ['0', '1', `${ann.id}_0`, 'x']) {
      const stream = await listen(own.at(own.url, { ...other, 'last-event-id': id }), cleanup);
      world.upstream('rec').grow(`tool_${++grown}`);
      await stream.messages.first('a change of the lists', ({ method }) => method.endsWith('list_changed'));
      expect(stream.messages.items.filter(CHANGED)).toEqual([]);
      stream.close();
    }
  });

  it('has its questions to itself: an answer of somebody else is none', async () => {
    const call = await post(ann, { ...CALL, id: 7, params: { name: 'rec:ask', arguments: {} } }, cleanup);
    const question = await call.messages.first('the question', ({ method }) => method === 'elicitation/create');
    const answer = (text: string) => ({
      jsonrpc: '2.0',
      id: question.id,
      result: { action: 'accept', content: { answer: text } },
    });
    const own = cleanup.add(await world.session(other, { elicitation: { form: {} } }));
    await own.post(JSON.stringify(answer('of a stranger')));
    await ann.at(ann.url, other).post(JSON.stringify(answer('of a stranger')));
    expect(deeds()).toEqual(['tools/call ask']);
    await ann.post(JSON.stringify(answer('of ann')));
    const { result } = await call.messages.first('the result', ({ id }) => id === 7);
    expect(JSON.stringify(result)).toContain('of ann');
    expect(deeds()).toEqual(['tools/call ask', 'an answer']);
  });

  it('T051: tells progress and answers of equal tokens and ids apart, and lets nobody else cancel', async () => {
    const own = cleanup.add(await world.session(other));
    const call = (label: string) => ({
      ...CALL,
      params: { name: 'rec:wait', arguments: { label }, _meta: { progressToken: 0 } },
    });
    const mine = await post(ann, call('mine'), cleanup);
    const theirs = await post(own, call('theirs'), cleanup);
    const upstream = world.upstream('rec');
    await until('both calls run', () => upstream.waits('mine') && upstream.waits('theirs'));
    await own.notify('notifications/cancelled', { requestId: 1 });
    await until('the call of the other ends', () => !upstream.waits('theirs'));
    expect(upstream.waits('mine')).toBe(true);
    upstream.release('mine');
    const { result } = await mine.messages.first('the answer', ({ id }) => id === 1);
    expect(result).toMatchObject({ content: [{ text: 'mine' }] });
    const steps = (stream: typeof mine) => stream.messages.items.flatMap(({ params }) => params?.['message'] ?? []);
    expect(steps(mine)).toEqual(['mine']);
    expect(steps(theirs)).toEqual(['theirs']);
  });

  it('T047: is another one than at the server, where each has its own', async () => {
    const own = cleanup.add(await world.session(other));
    for (const session of [ann, own, ann]) await session.post(body);
    const ids = world.upstream('rec').journal.work.map(({ headers }) => String(headers['mcp-session-id']));
    expect(ids[0]).toBe(ids[2]);
    expect(ids[0]).not.toBe(ids[1]);
    const seen = world.upstream('rec').journal.arrivals.items.flatMap(({ rawHeaders }) => rawHeaders);
    for (const id of [ann.id, own.id]) expect(seen).not.toContain(id);
    for (const id of ids) expect([ann.id, own.id]).not.toContain(id);
  });
});

it('T042: a session of one endpoint is none at another, for its own holder neither', async () => {
  const session = cleanup.add(await world.session(world.ann));
  for (const endpoint of ['rec', 'plain']) {
    expect((await session.at(world.gateway.mcp(endpoint)).post(body)).status).toBe(404);
  }
  expect(deeds()).toEqual([]);
  expect((await session.post(body)).status).toBe(200);
  expect(deeds()).toEqual(['tools/call read']);
});

it('T026: one subject of two issuers is two users, of whom each has a session of its own', async () => {
  const [mine, theirs] = [await world.session(world.ann), await world.session(world.other('ann elsewhere'))];
  cleanup.add(mine);
  cleanup.add(theirs);
  expect((await theirs.at(theirs.url, world.ann).post(body)).status).toBe(404);
  expect(deeds()).toEqual([]);
  expect((await theirs.post(body)).status).toBe(200);
  expect((await mine.post(body)).status).toBe(200);
  expect(deeds()).toHaveLength(2);
});
