import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callTool, modern } from '../support/modern.js';
import { postModern } from '../support/stream.js';
import { OTHERS, TwoUsers, type User } from '../support/two-users.js';
import { Cleanup, until } from '../support/wait.js';

const servers = new Cleanup();
const cleanup = new Cleanup();
let world: TwoUsers;

/** More tools than one page has. */
const MANY = Array.from({ length: 2_100 }, (_, at) => `tool_${at}`);

beforeAll(async () => {
  world = await TwoUsers.start(servers, {
    old: { era: 'legacy' },
    new: { era: 'modern', cache: { ttlMs: 60_000, cacheScope: 'private' } },
    many: { era: 'modern', tools: MANY },
  });
});
beforeEach(() => world.forget());
afterEach(() => cleanup.close());
afterAll(() => servers.close());

const ASKABLE = { elicitation: { form: {} } };
const ANSWER = { action: 'accept', content: { answer: 'yes' } };
const UPDATED = ({ method }: { method: string }) => method === 'notifications/resources/updated';

describe.each(OTHERS)('what is between ann and a modern gateway, for %s', (name) => {
  let other: User;
  beforeEach(() => {
    other = world.other(name);
  });
  const headers = (user: User, tool: string) => ({
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': tool },
    ...user,
  });
  const call = (user: User, tool: string, params: Record<string, unknown> = {}) =>
    callTool(world.mcp, tool, params, { headers: headers(user, tool), capabilities: ASKABLE });

  it.each([
    ['parked call', 'old'],
    ['relayed state', 'new'],
  ])('T048: a %s is nobody else’s, and goes on for ann', async (_what, server) => {
    const { journal } = world.upstream(server);
    const asked = await call(world.ann, `${server}:ask`);
    expect(asked.result).toMatchObject({ resultType: 'input_required' });
    const { inputRequests, requestState } = asked.result as { inputRequests: object; requestState: string };
    const inputResponses = Object.fromEntries(Object.keys(inputRequests).map((key) => [key, ANSWER]));
    const retry = { inputResponses, requestState };
    const spoiled: [string, User, Record<string, unknown>][] = [
      ['ask', other, retry],
      ['read', world.ann, retry],
      ['ask', world.ann, { ...retry, arguments: { changed: true } }],
      ['ask', world.ann, { ...retry, requestState: `${requestState.slice(0, -2)}xx` }],
      ['ask', world.ann, { ...retry, requestState: requestState.slice(0, 40) }],
    ];
    for (const [tool, user, params] of spoiled) {
      const { error, result } = await call(user, `${server}:${tool}`, params);
      expect({ result, code: error?.code }).toEqual({ result: undefined, code: -32602 });
    }
    expect(journal.deeds).toEqual(['tools/call ask']);
    const done = await call(world.ann, `${server}:ask`, retry);
    expect(JSON.stringify(done.result)).toContain('yes');
    expect(journal.deeds).toHaveLength(2);
  });

  it('cursors are nobody else’s', async () => {
    const list = (user: User, params: object) =>
      modern(`${world.mcp}/many`, 'tools/list', { ...params }, { headers: { ...own('tools/list'), ...user } });
    const first = await list(world.ann, {});
    const cursor = first.result?.['nextCursor'];
    expect(cursor).toEqual(expect.any(String));
    expect((await list(other, { cursor })).error?.code).toBe(-32602);
    const rest = (await list(world.ann, { cursor })).result as { tools: object[] };
    expect((first.result as { tools: object[] }).tools.length + rest.tools.length).toBe(MANY.length);
  });

  it('listen streams hear what their own wish was', async () => {
    const wish = (uri: string) => ({ notifications: { resourceSubscriptions: [uri] } });
    const open = (user: User, uri: string) =>
      postModern(world.mcp, 'subscriptions/listen', wish(uri), { headers: { ...user }, id: 'same' }, cleanup);
    const [mine, theirs] = [await open(world.ann, 'new+memo://open'), await open(other, 'new+memo://secret')];
    for (const { messages } of [mine, theirs])
      await messages.first('it is agreed', ({ method }) => method.endsWith('acknowledged'));
    await until('both are told', () => {
      world.upstream('new').updated('memo://open');
      world.upstream('new').updated('memo://secret');
      return mine.messages.items.some(UPDATED) && theirs.messages.items.some(UPDATED);
    });
    const uris = (stream: typeof mine) =>
      new Set(stream.messages.items.filter(UPDATED).map(({ params }) => params?.['uri']));
    expect(uris(mine)).toEqual(new Set(['new+memo://open']));
    expect(uris(theirs)).toEqual(new Set(['new+memo://secret']));
    theirs.close();
    mine.messages.items.length = 0;
    await until('ann is told as before', () => {
      world.upstream('new').updated('memo://open');
      return mine.messages.items.some(UPDATED);
    });
  });

  it('T051: equal progress tokens and ids are told apart', async () => {
    const start = (user: User, label: string) => {
      const params = { name: 'new:wait', arguments: { label } };
      return postModern(
        world.mcp,
        'tools/call',
        params,
        { headers: user, id: 1, meta: { progressToken: 'p' } },
        cleanup,
      );
    };
    const [mine, theirs] = await Promise.all([start(world.ann, 'mine'), start(other, 'theirs')]);
    const upstream = world.upstream('new');
    await until('both calls run', () => upstream.waits('mine') && upstream.waits('theirs'));
    const tokens = upstream.journal.work
      .map(({ rpc }) => JSON.stringify(rpc.params?.['_meta']))
      .map((meta) => /"progressToken":[^,}]*/.exec(meta)?.[0]);
    expect(new Set(tokens).size).toBe(2);
    for (const { messages } of [mine, theirs]) await messages.first('a step');
    theirs.close();
    await until('the call of the other ends', () => !upstream.waits('theirs'));
    expect(upstream.waits('mine')).toBe(true);
    upstream.release('mine');
    expect((await mine.messages.first('the answer', ({ id }) => id === 1)).result).toMatchObject({
      content: [{ text: 'mine' }],
    });
    const steps = (stream: typeof mine) => stream.messages.items.flatMap(({ params }) => params?.['message'] ?? []);
    expect([steps(mine), steps(theirs)]).toEqual([['mine'], ['theirs']]);
  });

  it('T026: what ann has read is kept for ann', async () => {
    const uri = name === 'bob' ? 'new+memo://notes/1' : 'new+memo://notes/2';
    const read = (user: User) =>
      modern(world.mcp, 'resources/read', { uri }, { headers: { ...own('resources/read', uri), ...user } });
    const { journal } = world.upstream('new');
    for (let time = 0; time < 2; time++) expect((await read(world.ann)).result).toBeDefined();
    expect(journal.deeds).toHaveLength(1);
    expect((await read(other)).result).toBeDefined();
    expect(journal.deeds).toHaveLength(2);
  });

  it('T040: sessions at a server that has them are each user’s own', async () => {
    await call(world.ann, 'old:read');
    await call(other, 'old:read');
    await call(world.ann, 'old:read');
    const ids = world.upstream('old').journal.work.map((arrival) => arrival.headers['mcp-session-id']);
    expect(ids[0]).toBe(ids[2]);
    expect(ids[0]).not.toBe(ids[1]);
  });
});

function own(method: string, subject?: string): Record<string, string> {
  return {
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
    ...(subject !== undefined && { 'mcp-name': subject }),
  };
}
