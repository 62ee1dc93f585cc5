import { describe, expect, it } from 'vitest';
import { GatewayError, type Log, SILENT } from '#libs/kernel';
import { Draft } from '#libs/mcp';
import { type CallerOptions, exchangeOf, jsonOf, RecordingSink } from '../testing/callers.js';
import { ScriptedConnection } from '../testing/scripted-connection.js';
import { relayedCapabilities } from './capabilities.js';
import { LegacySession } from './legacy-session.js';
import type { SessionListener } from './upstream-session.js';

const ASKING = { elicitation: { form: {} }, sampling: {}, roots: { listChanged: true } };

interface Told {
  lists: string[];
  updated: string[];
  logged: string[];
  completed: (string | undefined)[];
  lost: GatewayError[];
}

async function open(
  connection: ScriptedConnection,
  options: {
    capabilities?: Record<string, unknown>;
    shared?: boolean;
    startTimeout?: number;
    standing?: SessionListener['asked'];
    log?: Log;
  } = {},
) {
  const told: Told = { lists: [], updated: [], logged: [], completed: [], lost: [] };
  const listener: SessionListener = {
    listChanged: (kinds) => told.lists.push(...kinds),
    resourceUpdated: (uri) => told.updated.push(uri),
    logged: (params) => told.logged.push(params.toString()),
    asked: (request) => options.standing?.(request),
    elicitationCompleted: (_params, client) => told.completed.push(client),
    limited: () => {},
    worn: () => {},
    lost: (error) => told.lost.push(error),
  };
  const session = await LegacySession.open({
    server: 'lab',
    gatewayVersion: '1.2.3',
    capabilities: relayedCapabilities(options.capabilities ?? {}),
    shared: options.shared ?? false,
    startTimeout: options.startTimeout ?? 5_000,
    listener,
    log: options.log ?? SILENT,
    connect: async (connectionListener) => connection.attach(connectionListener),
    signal: new AbortController().signal,
  });
  return { session, told };
}

function call(
  session: LegacySession,
  options: CallerOptions & {
    name?: string;
    params?: string;
    timeout?: number;
    maxTotal?: number;
    solo?: boolean;
    wantsProgress?: boolean;
  } = {},
) {
  const exchange = exchangeOf(options);
  const sink = new RecordingSink();
  const outcome = session.request({
    method: 'tools/call',
    params: Draft.of(Buffer.from(options.params ?? JSON.stringify({ name: options.name ?? 'echo' }))),
    subject: `tool ${options.name ?? 'echo'}`,
    timeout: options.timeout ?? 5_000,
    maxTotal: options.maxTotal ?? 10_000,
    caller: { exchange, sink, wantsProgress: options.wantsProgress ?? true, solo: options.solo ?? true },
  });
  outcome.catch(() => {});
  return { exchange, sink, outcome };
}

describe('opening a legacy session', () => {
  it('offers the newest revision, the relayed capabilities and the gateway as client', async () => {
    const connection = new ScriptedConnection();
    connection.welcome = { ...connection.welcome, protocolVersion: '2025-06-18', instructions: 'be kind' };
    const { session } = await open(connection, { capabilities: { ...ASKING, experimental: { x: {} } } });
    expect(connection.received[0]!.params).toEqual({
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {}, sampling: {}, roots: { listChanged: true } },
      clientInfo: { name: 'mcp-gateway', version: '1.2.3' },
    });
    expect(connection.protocolVersion).toBe('2025-06-18');
    expect(connection.posted).toEqual([{ jsonrpc: '2.0', method: 'notifications/initialized' }]);
    expect(connection.listening).toBe(true);
    expect(session.version).toBe('2025-06-18');
    expect(session.instructions).toBe('be kind');
  });

  it('closes the connection of an upstream whose revision nobody knows', async () => {
    const connection = new ScriptedConnection();
    connection.welcome = { ...connection.welcome, protocolVersion: '1999-01-01' };
    await expect(open(connection)).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
    expect(connection.closed).toBe(true);
  });

  it.each([
    ['no version', { capabilities: {} }],
    ['a version that is no string', { protocolVersion: 7, capabilities: {} }],
  ])('refuses an answer with %s', async (_what, welcome) => {
    const connection = new ScriptedConnection();
    connection.welcome = welcome;
    await expect(open(connection)).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
  });

  it('gives up an upstream that never answers initialize, without cancelling initialize', async () => {
    const connection = new ScriptedConnection();
    connection.answer = () => {};
    await expect(open(connection, { startTimeout: 30 })).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      notExecuted: true,
    });
    expect(connection.closed).toBe(true);
    expect(connection.posted).toEqual([]);
  });
});

describe('requests', () => {
  it('get ids and progress tokens of their own, whatever the client used', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection);
    const calls = Array.from({ length: 50 }, (_, index) => call(session, { name: `t${index}` }));
    await connection.request('tools/call', 50);
    const requests = connection.received.filter((request) => request.method === 'tools/call');
    expect(new Set(requests.map((request) => request.id)).size).toBe(50);
    for (const request of [...requests].reverse()) connection.answer(request, { name: request.params['name'] });
    const results = await Promise.all(calls.map(async ({ outcome }) => jsonOf(await outcome)['name']));
    expect(results).toEqual(calls.map((_, index) => `t${index}`));
  });

  it('carry the correlation id in headers where there are any, else in _meta', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const http = new ScriptedConnection('request');
    const first = call((await open(http)).session, { traceparent });
    const sent = await http.request('tools/call');
    expect(sent.headers).toEqual({ 'x-request-id': first.exchange.id, traceparent });
    const stdio = new ScriptedConnection('connection');
    const second = call((await open(stdio)).session, { traceparent });
    const told = await stdio.request('tools/call');
    expect(told.headers).toEqual({});
    expect(told.params['_meta']).toEqual({
      progressToken: told.id,
      'dev.mcp-gateway/request-id': second.exchange.id,
    });
  });

  it('are matched by id alone, also when the answer takes another way', async () => {
    const connection = new ScriptedConnection('request');
    const { session } = await open(connection);
    const [a, b] = [call(session, { name: 'a' }), call(session, { name: 'b' })];
    const [sentA, sentB] = [await connection.request('tools/call', 1), await connection.request('tools/call', 2)];
    connection.say({ id: sentB.id, result: { of: 'b' } }, sentA);
    connection.say({ id: sentA.id, result: { of: 'a' } });
    expect(jsonOf(await a.outcome)).toEqual({ of: 'a' });
    expect(jsonOf(await b.outcome)).toEqual({ of: 'b' });
    expect(sentA.abandoned).toBe(true);
  });

  it('pass an error answer through byte for byte', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection);
    const { outcome } = call(session);
    const sent = await connection.request('tools/call');
    connection.say(
      `{"jsonrpc":"2.0","id":${sent.id},"error":{"code":-32050,"message":"no","data":{"n":9007199254740993}}}`,
    );
    const error = await outcome;
    expect(error).toMatchObject({ kind: 'error', code: -32050 });
    expect(error.kind === 'error' && error.error.toString()).toBe(
      '{"code":-32050,"message":"no","data":{"n":9007199254740993}}',
    );
  });

  it.each([
    ['nothing', '"x":1'],
    ['an error without a code', '"error":{"message":"?"}'],
  ])('fail when the upstream answers with %s', async (_what, rest) => {
    const connection = new ScriptedConnection('request');
    const { session } = await open(connection);
    const { outcome } = call(session);
    const sent = await connection.request('tools/call');
    connection.say(`{"jsonrpc":"2.0","id":${sent.id},${rest}}`, sent);
    await expect(outcome).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
  });

  it('survive lies about other ids, repeated answers and junk', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection);
    const { outcome } = call(session);
    const sent = await connection.request('tools/call');
    connection.say({ id: 4711, result: {} });
    connection.say({ id: String(sent.id), result: { wrong: true } });
    connection.say('{"jsonrpc":"2.0","nonsense":true}');
    connection.say({ method: 'notifications/never-heard-of', params: {} });
    connection.answer(sent, { right: true });
    connection.answer(sent, { again: true });
    expect(jsonOf(await outcome)).toEqual({ right: true });
  });

  it('fail at once when their own stream carries what is no message', async () => {
    const connection = new ScriptedConnection('request');
    const { session } = await open(connection);
    const { outcome } = call(session);
    connection.say('{"hello":"world"}', await connection.request('tools/call'));
    await expect(outcome).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
  });

  it.each([
    '{"jsonrpc":"2.0","id":ID,"result":[]}',
    '{"jsonrpc":"2.0","id":ID,"result":null}',
    '{"jsonrpc":"2.0","id":ID,"result":7}',
    '{"jsonrpc":"2.0","id":ID,"error":"no"}',
    '{"jsonrpc":"2.0","id":ID,"error":{"message":"no code"}}',
    '{"jsonrpc":"2.0","id":ID}',
    '{"jsonrpc":"2.0","id":ID,"result":{},"error":{"code":1,"message":"both"}}',
    '{"id":ID,"result":{}}',
    '{"jsonrpc":"2.0","id":ID.0,"result":{}}',
    '{"jsonrpc":"2.0","id":ID,"result":{]}',
  ])('fail at once when they are answered on a common stream with %s', async (text) => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection);
    const { outcome } = call(session);
    const other = call(session);
    const { id } = await connection.request('tools/call');
    connection.say(text.replaceAll('ID', String(id)));
    await expect(outcome).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
    connection.answer(await connection.request('tools/call', 2), { fine: true });
    expect(jsonOf(await other.outcome)).toEqual({ fine: true });
  });

  it('do not let an upstream fill the log with broken messages', async () => {
    const connection = new ScriptedConnection();
    const lines: string[] = [];
    await open(connection, { log: { ...SILENT, warn: (_fields, text) => void lines.push(text) } });
    for (let i = 0; i < 1_000; i++) connection.say('{"jsonrpc":"2.0","nonsense":true}');
    expect(lines).toHaveLength(5);
  });

  it('take several messages that come as one array', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection);
    const { outcome, sink } = call(session);
    const { id } = await connection.request('tools/call');
    const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: id, progress: 1 } };
    connection.say(JSON.stringify([progress, { jsonrpc: '2.0', id, result: { ok: 1 } }]));
    expect(jsonOf(await outcome)).toEqual({ ok: 1 });
    expect(sink.progressed).toEqual([{ progress: 1 }]);
  });
});

describe('progress', () => {
  it('reaches the call whose token it names, without the token', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection);
    const [a, b, c] = [call(session), call(session), call(session, { wantsProgress: false })];
    const sent = await connection.request('tools/call', 2);
    const silent = await connection.request('tools/call', 3);
    const progress = (progressToken: unknown, rest = {}) =>
      connection.say({ method: 'notifications/progress', params: { progressToken, progress: 0.5, ...rest } });
    progress(sent.id, { total: 1, message: 'half', _meta: { k: 1 } });
    progress(999);
    progress(String(sent.id));
    progress(silent.id);
    connection.answer(sent, {});
    await b.outcome;
    progress(sent.id);
    expect(a.sink.progressed).toEqual([]);
    expect(b.sink.progressed).toEqual([{ progress: 0.5, total: 1, message: 'half', _meta: { k: 1 } }]);
    expect(c.sink.progressed).toEqual([]);
  });

  it('keeps a call alive beyond its inactivity limit', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection);
    const { outcome } = call(session, { timeout: 80 });
    const sent = await connection.request('tools/call');
    const started = performance.now();
    let beats = 0;
    const beat = setInterval(() => {
      connection.say({ method: 'notifications/progress', params: { progressToken: sent.id, progress: ++beats } });
      if (performance.now() - started > 300) connection.answer(sent, { beats });
    }, 10);
    const result = jsonOf(await outcome);
    clearInterval(beat);
    expect(result['beats']).toBeGreaterThan(1);
  });
});

describe('time limits', () => {
  it('name the upstream, the tool, the limit and its key, and cancel upstream', async () => {
    const connection = new ScriptedConnection('request');
    const { session } = await open(connection);
    const { outcome, sink } = call(session, { timeout: 20 });
    const sent = await connection.request('tools/call');
    const error = await outcome.catch((thrown: GatewayError) => thrown);
    expect(error).toMatchObject({ code: 'UPSTREAM_TIMEOUT', data: { server: 'lab', limit: 'connection.timeout' } });
    expect((error as GatewayError).message).toMatch(/lab: tool echo .*20 ms.*connection\.timeout/);
    expect(connection.posted.at(-1)).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: sent.id },
    });
    expect(sent.abandoned).toBe(true);
    connection.answer(sent, { late: true });
    connection.say({ method: 'notifications/progress', params: { progressToken: sent.id, progress: 1 } });
    expect(sink.progressed).toEqual([]);
    expect(session.inFlight).toBe(0);
  });

  it('cap the whole call however lively it is', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection);
    const { outcome } = call(session, { timeout: 5_000, maxTotal: 60 });
    const sent = await connection.request('tools/call');
    const beat = setInterval(
      () => connection.say({ method: 'notifications/progress', params: { progressToken: sent.id, progress: 1 } }),
      5,
    );
    await expect(outcome).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      data: { limit: 'connection.max_total' },
    });
    clearInterval(beat);
  });

  it('stand still while a question is open', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection, { capabilities: ASKING });
    const { outcome, sink } = call(session, { timeout: 60, maxTotal: 120 });
    const sent = await connection.request('tools/call');
    connection.say({ id: 'q', method: 'elicitation/create', params: { message: '?', requestedSchema: {} } });
    await sink.until(() => sink.asked.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(session.inFlight).toBe(1);
    sink.answers[0]!.resolve({ kind: 'result', result: Buffer.from('{"action":"decline"}') });
    await connection.until(() => connection.posted.some((message) => message['id'] === 'q'));
    connection.answer(sent, { done: true });
    expect(jsonOf(await outcome)).toEqual({ done: true });
  });

  it('run on after the question was answered', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection, { capabilities: ASKING });
    const { outcome, sink } = call(session, { timeout: 30 });
    await connection.request('tools/call');
    sink.answer = () => ({ action: 'decline' });
    connection.say({ id: 'q', method: 'elicitation/create', params: { message: '?', requestedSchema: {} } });
    await expect(outcome).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
  });
});

describe('cancellation by the client', () => {
  it('is told upstream under the own id, and late answers are ignored', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection);
    const { exchange, outcome } = call(session);
    const sent = await connection.request('tools/call');
    exchange.abort('not needed any more');
    await expect(outcome).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(connection.posted.at(-1)).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: sent.id, reason: 'not needed any more' },
    });
    connection.answer(sent, {});
    expect(session.inFlight).toBe(0);
  });

  it('sends nothing at all when it came first', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection);
    const exchange = exchangeOf();
    exchange.abort();
    const caller = { exchange, sink: new RecordingSink(), wantsProgress: false, solo: true };
    const request = { method: 'tools/call', subject: 'tool x', timeout: 1_000, maxTotal: 1_000, caller };
    await expect(session.request(request)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(connection.received.map((received) => received.method)).toEqual(['initialize']);
    expect(connection.posted).toHaveLength(1);
  });

  it('takes open questions back', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection, { capabilities: ASKING });
    const { exchange, outcome, sink } = call(session);
    await connection.request('tools/call');
    connection.say({ id: 1, method: 'sampling/createMessage', params: { messages: [] } });
    exchange.abort();
    await expect(outcome).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(sink.withdrawn).toHaveLength(1);
    expect(connection.posted.find((message) => message['id'] === 1)).toMatchObject({ error: { code: -32603 } });
  });
});

describe('requests of the upstream', () => {
  const answerTo = async (connection: ScriptedConnection, id: unknown) => {
    await connection.until(() => connection.posted.some((message) => message['id'] === id));
    return connection.posted.find((message) => message['id'] === id)!;
  };

  it('ping is answered at once, with the id as it came', async () => {
    const connection = new ScriptedConnection();
    await open(connection);
    connection.say({ id: 'p-1', method: 'ping' });
    connection.say({ id: 0, method: 'ping', params: {} });
    expect(await answerTo(connection, 'p-1')).toEqual({ jsonrpc: '2.0', id: 'p-1', result: {} });
    expect(await answerTo(connection, 0)).toEqual({ jsonrpc: '2.0', id: 0, result: {} });
  });

  it.each([
    ['an unknown method', {}, { method: 'tools/list' }, -32601],
    ['sampling undeclared', {}, { method: 'sampling/createMessage', params: {} }, -32601],
    ['elicitation undeclared', { sampling: {} }, { method: 'elicitation/create', params: {} }, -32601],
    ['roots undeclared', {}, { method: 'roots/list' }, -32601],
    ['an undeclared mode', { elicitation: {} }, { method: 'elicitation/create', params: { mode: 'url' } }, -32602],
    ['forms where only url', { elicitation: { url: {} } }, { method: 'elicitation/create', params: {} }, -32602],
    ['an unheard-of mode', { elicitation: {} }, { method: 'elicitation/create', params: { mode: 'x' } }, -32602],
    ['tools undeclared', { sampling: {} }, { method: 'sampling/createMessage', params: { tools: [] } }, -32602],
  ])('%s is refused', async (_what, capabilities, request, code) => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection, { capabilities });
    const { sink } = call(session);
    await connection.request('tools/call');
    connection.say({ id: 9, ...request });
    expect(await answerTo(connection, 9)).toMatchObject({ error: { code } });
    expect(sink.asked).toEqual([]);
  });

  it('on a call stream go to that call, however many run', async () => {
    const connection = new ScriptedConnection('request');
    const { session } = await open(connection, { capabilities: ASKING, shared: true });
    const [a, b] = [call(session, { session: 'A' }), call(session, { session: 'B' })];
    await connection.request('tools/call');
    const sentB = await connection.request('tools/call', 2);
    b.sink.answer = () => ({ action: 'accept', content: { n: 1 } });
    const params = { message: '?', requestedSchema: { type: 'object' }, _meta: { progressToken: 3, 'x/y': 1 } };
    connection.say({ id: 7, method: 'elicitation/create', params }, sentB);
    expect(await answerTo(connection, 7)).toEqual({
      jsonrpc: '2.0',
      id: 7,
      result: { action: 'accept', content: { n: 1 } },
    });
    expect(b.sink.asked).toEqual([
      {
        method: 'elicitation/create',
        server: 'lab',
        params: { message: '?', requestedSchema: { type: 'object' }, _meta: { 'x/y': 1 } },
      },
    ]);
    expect(a.sink.asked).toEqual([]);
  });

  it('on a common stream go to the one running call', async () => {
    const connection = new ScriptedConnection('connection');
    const { session } = await open(connection, { capabilities: ASKING });
    const only = call(session, { session: 'A' });
    only.sink.answer = () => ({ roots: [] });
    await connection.request('tools/call');
    connection.say({ id: 'r', method: 'roots/list' });
    expect(await answerTo(connection, 'r')).toMatchObject({ result: { roots: [] } });
  });

  it('go to the client session when they are about roots and belong to no call', async () => {
    const connection = new ScriptedConnection('connection');
    const asked: string[] = [];
    await open(connection, {
      capabilities: ASKING,
      standing: ({ method }) => {
        asked.push(method);
        return { answer: Promise.resolve({ kind: 'result', result: Buffer.from('{"roots":[]}') }), withdraw() {} };
      },
    });
    connection.say({ id: 1, method: 'roots/list' });
    expect(await answerTo(connection, 1)).toMatchObject({ result: { roots: [] } });
    connection.say({ id: 2, method: 'elicitation/create', params: { message: 'm', requestedSchema: {} } });
    expect(await answerTo(connection, 2)).toMatchObject({ error: { code: -32601 } });
    expect(asked).toEqual(['roots/list']);
  });

  it('go to the call with side effects among reads of the same client, not of another', async () => {
    const connection = new ScriptedConnection('connection');
    const { session } = await open(connection, { capabilities: ASKING });
    const asking = call(session, { session: 'A' });
    asking.sink.answer = () => ({ roots: [] });
    const read = call(session, { session: 'A', solo: false });
    await connection.request('tools/call', 2);
    connection.say({ id: 1, method: 'roots/list' });
    expect(await answerTo(connection, 1)).toMatchObject({ result: { roots: [] } });
    expect(read.sink.asked).toEqual([]);
    call(session, { session: 'B', solo: false });
    await connection.request('tools/call', 3);
    connection.say({ id: 2, method: 'roots/list' });
    expect(await answerTo(connection, 2)).toMatchObject({
      error: { code: -32601, data: { code: 'ASK_UNATTRIBUTED' } },
    });
  });

  it.each([
    ['no call runs', 0, false, 'connection' as const],
    ['two calls run', 2, false, 'connection' as const],
    ['strangers share the session', 1, true, 'request' as const],
  ])('are refused when %s', async (_what, calls, shared, attribution) => {
    const connection = new ScriptedConnection(attribution);
    const { session } = await open(connection, { capabilities: ASKING, shared });
    const running = Array.from({ length: calls }, () => call(session, { session: 'A' }));
    if (calls > 0) await connection.request('tools/call', calls);
    connection.say({ id: 5, method: 'roots/list' });
    expect(await answerTo(connection, 5)).toMatchObject({ error: { code: -32601 } });
    for (const { sink } of running) expect(sink.asked).toEqual([]);
  });

  it('get the answer byte for byte, errors included', async () => {
    const connection = new ScriptedConnection();
    const posts: string[] = [];
    const post = connection.post.bind(connection);
    connection.post = (message) => {
      posts.push(message.toString());
      return post(message);
    };
    const { session } = await open(connection, { capabilities: ASKING });
    const { sink } = call(session);
    await connection.request('tools/call');
    for (const id of ['"a"', '"b"', '"c"']) {
      connection.say(`{"jsonrpc":"2.0","id":${id},"method":"sampling/createMessage","params":{"messages":[]}}`);
    }
    await sink.until(() => sink.answers.length === 3);
    sink.answers[0]!.resolve({ kind: 'result', result: Buffer.from('{"n":9007199254740993}') });
    sink.answers[1]!.resolve({ kind: 'error', code: -1, error: Buffer.from('{"code":-1,"message":"no"}') });
    sink.answers[2]!.reject(new GatewayError('ASK_TIMEOUT', 'nobody answered'));
    await connection.until(() => connection.posted.some((message) => message['id'] === 'c'));
    expect(posts).toContain('{"jsonrpc":"2.0","id":"a","result":{"n":9007199254740993}}');
    expect(posts).toContain('{"jsonrpc":"2.0","id":"b","error":{"code":-1,"message":"no"}}');
    expect(connection.posted.find((message) => message['id'] === 'c')).toMatchObject({
      error: { code: -32603, message: 'nobody answered', data: { code: 'ASK_TIMEOUT' } },
    });
  });

  it('are taken back when the upstream cancels them, telling 1 from "1"', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection, { capabilities: ASKING });
    const { sink } = call(session);
    await connection.request('tools/call');
    connection.say({ id: 1, method: 'roots/list' });
    connection.say({ id: '1', method: 'roots/list' });
    await sink.until(() => sink.asked.length === 2);
    connection.say({ method: 'notifications/cancelled', params: { requestId: 1, reason: 'changed my mind' } });
    expect(sink.withdrawn).toEqual(['changed my mind']);
    sink.answers[0]!.resolve({ kind: 'result', result: Buffer.from('{"roots":[]}') });
    sink.answers[1]!.resolve({ kind: 'result', result: Buffer.from('{"roots":[]}') });
    await connection.until(() => connection.posted.some((message) => message['id'] === '1'));
    expect(connection.posted.some((message) => message['id'] === 1)).toBe(false);
  });

  it('with an id in use are refused, and the first one stands', async () => {
    const connection = new ScriptedConnection();
    const { session } = await open(connection, { capabilities: ASKING });
    const { sink } = call(session);
    await connection.request('tools/call');
    connection.say({ id: 1, method: 'roots/list' });
    connection.say({ id: 1, method: 'sampling/createMessage', params: {} });
    expect(sink.asked).toHaveLength(1);
    expect(await answerTo(connection, 1)).toMatchObject({ error: { code: -32600 } });
  });
});

describe('notifications of the upstream', () => {
  const log = (data: string) => ({ method: 'notifications/message', params: { level: 'info', data } });

  it('log messages go to the call they belong to, else to whoever owns the session', async () => {
    const connection = new ScriptedConnection('request');
    const { session, told } = await open(connection);
    connection.say(log('before'));
    const [a, b] = [call(session, { session: 'A' }), call(session, { session: 'A' })];
    const [sentA, sentB] = [await connection.request('tools/call', 1), await connection.request('tools/call', 2)];
    connection.say(log('for a'), sentA);
    connection.say(log('for whom'));
    connection.answer(sentA, {});
    await a.outcome;
    connection.say(log('only b runs'));
    connection.answer(sentB, {});
    await b.outcome;
    expect(a.sink.logs).toEqual([{ level: 'info', data: 'for a' }]);
    expect(b.sink.logs).toEqual([{ level: 'info', data: 'only b runs' }]);
    expect(told.logged.map((text) => (JSON.parse(text) as { data: string }).data)).toEqual(['before', 'for whom']);
  });

  it('list changes, resource updates and completed elicitations reach the owner', async () => {
    const connection = new ScriptedConnection();
    const { session, told } = await open(connection, { capabilities: { elicitation: { url: {} } } });
    const { sink } = call(session, { session: 'A' });
    await connection.request('tools/call');
    sink.answer = () => ({ action: 'accept' });
    const params = { mode: 'url', url: 'https://x.test', elicitationId: 'e-1', message: 'go' };
    connection.say({ id: 1, method: 'elicitation/create', params });
    connection.say({ method: 'notifications/elicitation/complete', params: { elicitationId: 'e-1' } });
    connection.say({ method: 'notifications/elicitation/complete', params: { elicitationId: 'other' } });
    connection.say({ method: 'notifications/tools/list_changed' });
    connection.say({ method: 'notifications/resources/list_changed' });
    connection.say({ method: 'notifications/resources/updated', params: { uri: 'a://b' } });
    expect(told).toMatchObject({
      lists: ['tools', 'resources', 'templates'],
      updated: ['a://b'],
      completed: ['A', undefined],
    });
  });

  it('remembers whose URL elicitation an error demanded', async () => {
    const connection = new ScriptedConnection();
    const { session, told } = await open(connection);
    const { outcome } = call(session, { session: 'A' });
    const sent = await connection.request('tools/call');
    const data = { elicitations: [{ mode: 'url', elicitationId: 'e-2', url: 'https://x.test', message: 'go' }] };
    connection.say({ id: sent.id, error: { code: -32042, message: 'first this', data } });
    expect(await outcome).toMatchObject({ kind: 'error', code: -32042 });
    connection.say({ method: 'notifications/elicitation/complete', params: { elicitationId: 'e-2' } });
    expect(told.completed).toEqual(['A']);
  });
});

describe('the end of a session', () => {
  it('by itself fails what runs and is told once', async () => {
    const connection = new ScriptedConnection();
    const { session, told } = await open(connection);
    const { outcome } = call(session);
    await connection.request('tools/call');
    connection.break(new GatewayError('UPSTREAM_DISCONNECTED', 'the child died'));
    await expect(outcome).rejects.toMatchObject({ code: 'UPSTREAM_DISCONNECTED', data: { server: 'lab' } });
    expect(told.lost).toHaveLength(1);
    await expect(call(session).outcome).rejects.toMatchObject({ notExecuted: true });
  });

  it('that the upstream forgot is told, while other requests finish on their own streams', async () => {
    const connection = new ScriptedConnection('request', 'sid');
    const { session, told } = await open(connection);
    const [a, b] = [call(session), call(session)];
    const [sentA, sentB] = [await connection.request('tools/call', 1), await connection.request('tools/call', 2)];
    sentA.sink.onError(new GatewayError('UPSTREAM_SESSION_LOST', '404', { notExecuted: true }));
    await expect(a.outcome).rejects.toMatchObject({ code: 'UPSTREAM_SESSION_LOST', notExecuted: true });
    expect(told.lost).toHaveLength(1);
    connection.answer(sentB, { fine: true });
    expect(jsonOf(await b.outcome)).toEqual({ fine: true });
  });

  it('by the gateway cancels what runs and closes the connection', async () => {
    const connection = new ScriptedConnection();
    const { session, told } = await open(connection);
    const { outcome } = call(session);
    await connection.request('tools/call');
    await session.close(new GatewayError('UPSTREAM_REMOVED', 'gone'));
    await expect(outcome).rejects.toMatchObject({ code: 'UPSTREAM_REMOVED' });
    expect(connection.posted.at(-1)).toMatchObject({ method: 'notifications/cancelled' });
    expect(connection.closed).toBe(true);
    expect(told.lost).toEqual([]);
  });
});

describe('a session that is given up', () => {
  const cause = new GatewayError('UPSTREAM_UNREACHABLE', 'could not be renewed', { notExecuted: true });

  it('proves nothing about a request that was sent on it, whatever the reason proves about others', async () => {
    const connection = new ScriptedConnection('request');
    const { session } = await open(connection);
    const { outcome } = call(session);
    await connection.request('tools/call');
    await session.close(cause);
    await expect(outcome).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE', notExecuted: false });
    expect(connection.posted).toContainEqual(expect.objectContaining({ method: 'notifications/cancelled' }));
  });

  it('had not run what was never written, and the upstream hears nothing of that', async () => {
    const connection = new ScriptedConnection('request');
    const { session } = await open(connection);
    const send = connection.send.bind(connection);
    connection.send = (request, sink) => ({ ...send(request, sink), started: false });
    const { outcome } = call(session);
    await connection.request('tools/call');
    await session.close(new GatewayError('UPSTREAM_REMOVED', 'gone'));
    await expect(outcome).rejects.toMatchObject({ code: 'UPSTREAM_REMOVED', notExecuted: true });
    expect(connection.posted).not.toContainEqual(expect.objectContaining({ method: 'notifications/cancelled' }));
  });
});
