import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Guarded } from '../support/guarded.js';
import { callTool } from '../support/modern.js';
import { http, initializeBody, RawSession } from '../support/raw.js';
import { listen } from '../support/stream.js';
import { Cleanup, until } from '../support/wait.js';

const [ANN_KEY, BOB_KEY] = ['ann-0123456789-abcdefghij-klmnopqrst', 'bob-0123456789-abcdefghij-klmnopqrst'];
const ANN = { authorization: `Bearer ${ANN_KEY}` };
const BOB = { authorization: `Bearer ${BOB_KEY}` };
const keys = (annGroups: readonly string[]) => [
  { name: 'ann', key: ANN_KEY, claims: { groups: annGroups } },
  { name: 'bob', key: BOB_KEY, claims: { groups: ['User'] } },
];
const sections = {
  api_keys: keys(['User']),
  auth: { claims: ['groups'], mappings: { 'groups:User': ['use'] }, permissions: { '*/rec:*': ['use'] } },
  log: { level: 'debug', format: 'json' },
};

const servers = new Cleanup();
const cleanup = new Cleanup();
let guarded: Guarded;

beforeAll(async () => {
  guarded = await Guarded.start(servers, { sections, caller: ANN });
});
afterAll(() => servers.close());
beforeEach(async () => {
  await cleanup.close();
  guarded.deeds();
});

const read = { name: 'rec:read', arguments: {} };

describe('T040: the session of somebody else', () => {
  it('is not found, and goes on untouched', async () => {
    const mine = await guarded.session(ANN);
    const stream = await listen(mine, cleanup);
    expect(stream.response.status).toBe(200);
    const stolen = mine.at(mine.url, BOB);
    const attempts = [
      await stolen.request('tools/call', read),
      await http(mine.url, { method: 'GET', headers: { ...stolen.headers, accept: 'text/event-stream' } }),
      await http(mine.url, { method: 'DELETE', headers: stolen.headers }),
    ];
    expect(attempts.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(guarded.deeds()).toEqual([]);
    expect((await mine.request('tools/call', read)).status).toBe(200);
    expect(guarded.deeds()).toEqual(['tools/call read']);
    await mine.request('resources/subscribe', { uri: 'rec+memo://open' });
    guarded.upstream.updated('memo://open');
    await stream.messages.first('the update', ({ method }) => method === 'notifications/resources/updated');
    expect((await http(mine.url, { method: 'DELETE', headers: mine.headers })).status).toBe(204);
  });

  it('stands in for no credential', async () => {
    const mine = await guarded.session(ANN);
    for (const more of [{}, { authorization: 'Bearer wrong' }] as Record<string, string>[]) {
      const headers = { 'mcp-session-id': mine.id, ...more };
      const answer = await http(mine.url, { headers, body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' });
      expect(answer.status).toBe(401);
    }
  });
});

describe('T041: session ids', () => {
  it('are never the client’s choice', async () => {
    const chosen = await http(guarded.mcp, { headers: { ...ANN, 'mcp-session-id': 'chosen' }, body: initializeBody() });
    expect(chosen.status).toBe(400);
    expect(chosen.headers['mcp-session-id']).toBeUndefined();
    const used = await http(guarded.mcp, {
      headers: { ...ANN, 'mcp-session-id': 'chosen' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: read }),
    });
    expect(used.status).toBe(404);
    expect(guarded.deeds()).toEqual([]);
  });

  it('cannot be guessed from others, nor changed', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await guarded.session(ANN)).id));
    expect(new Set(ids).size).toBe(20);
    const [id = ''] = ids;
    for (let at = 0; at < id.length; at += 7) {
      const flipped = id.slice(0, at) + (id[at] === 'A' ? 'B' : 'A') + id.slice(at + 1);
      const answer = await http(guarded.mcp, {
        headers: { ...ANN, 'mcp-session-id': flipped },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: read }),
      });
      expect(answer.status).toBe(404);
    }
    expect(guarded.deeds()).toEqual([]);
  });
});

describe('T043: a session whose holder loses a role', () => {
  it('is judged anew with every request, and its stream ends', async () => {
    const own = await Guarded.start(cleanup, { sections, caller: ANN });
    const mine = await own.session(ANN);
    const stream = await listen(mine, cleanup);
    expect((await mine.request('tools/call', read)).result).toBeDefined();
    expect(own.deeds()).toEqual(['tools/call read']);
    own.rewrite({ sections: { ...sections, api_keys: keys([]) } });
    await until('the role is gone', async () => (await mine.request('tools/call', read)).error?.code === -32602);
    own.deeds();
    expect((await mine.request('tools/list')).result?.['tools']).toEqual([]);
    expect((await mine.request('tools/call', read)).error?.code).toBe(-32602);
    expect(own.deeds()).toEqual([]);
    own.rewrite({ sections: { ...sections, api_keys: keys(['User']).slice(1) } });
    await until(
      'the key is gone',
      async () => (await http(mine.url, { headers: mine.headers, body: '{}' })).status === 401,
    );
    await stream.ended;
  });
});

describe('T044: session ids', () => {
  it('are in no log, metric, health check or error', async () => {
    const [mine, other] = [await guarded.session(ANN), await guarded.session(BOB)];
    await mine.request('tools/call', read);
    await mine.request('tools/call', { name: 'rec:nowhere' });
    const seen = [
      await mine.at(mine.url, BOB).request('tools/list'),
      await http(mine.url, { headers: mine.headers, body: '{' }),
      await http(mine.url, { headers: { ...mine.headers, 'mcp-protocol-version': 'x' }, body: '{}' }),
      await http(`${guarded.url}/metrics`, { method: 'GET' }),
      await http(`${guarded.url}/ready`, { method: 'GET' }),
      await http(`${guarded.url}/nowhere`, { method: 'GET', headers: mine.headers }),
    ].map(({ text }) => text);
    await until('the log has it', () => guarded.gateway.output().includes('Unknown tool: rec:nowhere'));
    for (const { id } of [mine, other]) {
      for (const part of [id, id.slice(10, 60)]) {
        expect(guarded.gateway.output()).not.toContain(part);
        for (const text of seen) expect(text).not.toContain(part);
      }
    }
  });
});

describe('T046: a session id that cannot be one', () => {
  it.each([
    ['not ASCII', 'caf\u00e9'],
    ['10 KB', 'x'.repeat(10_240)],
    ['empty', ''],
    ['with a blank', 'a b'],
    ['two in one', 'a, b'],
  ])('is 400: %s', async (_what, id) => {
    const headers = { ...ANN, 'mcp-session-id': id };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: read });
    const answers = [
      await http(guarded.mcp, { headers, body }),
      await http(guarded.mcp, { method: 'GET', headers: { ...headers, accept: 'text/event-stream' } }),
      await http(guarded.mcp, { method: 'DELETE', headers }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
    expect(guarded.deeds()).toEqual([]);
  });
});

describe('T047: upstream sessions', () => {
  it('are known to no client, and clients’ sessions to no upstream', async () => {
    const mine = await guarded.session(ANN);
    const answers = [await mine.request('tools/call', read), await mine.request('tools/list')];
    await until('the call arrived', () => guarded.upstream.journal.deeds.length > 0);
    const arrived = guarded.upstream.journal.arrivals.items;
    const theirs = arrived.flatMap(({ headers }) => headers['mcp-session-id'] ?? []);
    expect(JSON.stringify(arrived)).not.toContain(mine.id);
    expect(JSON.stringify(arrived)).not.toContain(ANN_KEY);
    for (const id of theirs) expect(JSON.stringify(answers)).not.toContain(id);
  });
});

describe('T048: a requestState', () => {
  const capabilities = { elicitation: {} };
  const asking = { arguments: { about: 'x' } };
  const answers = (result: Record<string, unknown> = {}) =>
    Object.fromEntries(
      Object.keys((result['inputRequests'] ?? {}) as object).map((key) => [
        key,
        { action: 'accept', content: { answer: 'yes' } },
      ]),
    );

  it.each(['modern', 'legacy'] as const)('of a %s upstream is good for nobody and nothing else', async (era) => {
    const own = await Guarded.start(cleanup, { sections, caller: ANN, upstream: { era } });
    const first = await callTool(own.mcp, 'rec:ask', asking, { capabilities, headers: ANN });
    const requestState = String(first.result?.['requestState']);
    const inputResponses = answers(first.result);
    expect(Object.keys(inputResponses)).toHaveLength(1);
    own.deeds();
    const flip = requestState.slice(0, 40) + (requestState[40] === 'A' ? 'B' : 'A') + requestState.slice(41);
    const retry = { ...asking, requestState, inputResponses };
    const refused = [
      await callTool(own.mcp, 'rec:ask', retry, { capabilities, headers: BOB }),
      await callTool(own.mcp, 'rec:write', retry, { capabilities, headers: ANN }),
      await callTool(own.mcp, 'rec:ask', { ...retry, arguments: { about: 'y' } }, { capabilities, headers: ANN }),
      await callTool(own.mcp, 'rec:ask', { ...retry, requestState: flip }, { capabilities, headers: ANN }),
      await callTool(
        own.mcp,
        'rec:ask',
        { ...retry, requestState: requestState.slice(0, -4) },
        { capabilities, headers: ANN },
      ),
      await callTool(`${own.mcp}/rec`, 'ask', retry, { capabilities, headers: ANN }),
    ];
    for (const { status, error } of refused) {
      expect([status, error?.code]).toEqual([200, -32602]);
      expect(error?.data?.['code']).toBe('STATE_INVALID');
    }
    expect(own.deeds()).toEqual([]);
    const done = await callTool(own.mcp, 'rec:ask', retry, { capabilities, headers: ANN });
    expect(JSON.stringify(done.result)).toContain('yes');
    expect(own.deeds()).toHaveLength(1);
  });

  it('T049: of a parked call is good once', async () => {
    const own = await Guarded.start(cleanup, { sections, caller: ANN, upstream: { era: 'legacy' } });
    const first = await callTool(own.mcp, 'rec:ask', {}, { capabilities, headers: ANN });
    const retry = { requestState: String(first.result?.['requestState']), inputResponses: answers(first.result) };
    expect((await callTool(own.mcp, 'rec:ask', retry, { capabilities, headers: ANN })).result).toBeDefined();
    own.deeds();
    const again = await callTool(own.mcp, 'rec:ask', retry, { capabilities, headers: ANN });
    expect(again.error?.code).toBe(-32602);
    expect(own.deeds()).toEqual([]);
  });
});

describe('T051: equal ids and progress tokens of two clients', () => {
  it.each(['legacy', 'modern'] as const)('are kept apart: %s', async (era) => {
    const people = [
      { headers: ANN, label: `ann-${era}` },
      { headers: BOB, label: `bob-${era}` },
    ];
    const running = people.map(async ({ headers, label }) => {
      const params = { arguments: { label }, _meta: { progressToken: 7 } };
      if (era === 'modern') {
        const reply = await callTool(
          guarded.mcp,
          'rec:wait',
          { arguments: { label } },
          { id: 1, headers, meta: { progressToken: 7 } },
        );
        return reply.messages;
      }
      const session = await RawSession.open(guarded.mcp, { headers });
      return (await session.request('tools/call', { name: 'rec:wait', ...params })).messages;
    });
    for (const { label } of people) {
      await until(`${label} waits`, () => guarded.upstream.waits(label));
    }
    for (const { label } of people) guarded.upstream.release(label);
    const [mine, theirs] = await Promise.all(running);
    expect(mine?.join()).toContain('ann-');
    expect(mine?.join()).not.toContain('bob-');
    expect(theirs?.join()).toContain('bob-');
    expect(theirs?.join()).not.toContain('ann-');
    for (const messages of [mine, theirs]) {
      expect(messages?.map((text) => (JSON.parse(text) as { method?: string }).method)).toEqual([
        'notifications/progress',
        undefined,
      ]);
    }
  });
});

describe('T053: Last-Event-ID', () => {
  it('brings back nothing, least of all what was another’s', async () => {
    const [mine, theirs] = [await guarded.session(ANN), await guarded.session(BOB)];
    const headers = { accept: 'text/event-stream', 'last-event-id': '1' };
    const stolen = await http(mine.url, { method: 'GET', headers: { ...mine.at(mine.url, BOB).headers, ...headers } });
    expect(stolen.status).toBe(404);
    const empty = await listen(theirs.at(theirs.url, { ...BOB, 'last-event-id': '1' }), cleanup);
    expect(empty.response.status).toBe(200);
    expect(empty.messages.items).toEqual([]);
  });
});
