import { afterEach, describe, expect, it } from 'vitest';
import { EgressGuard } from '#libs/egress';
import { GatewayError } from '#libs/kernel';
import { callOf, exchangeOf, jsonOf, RecordingSink, toolCall } from '../../testing/callers.js';
import { MODERN_LAB, startModernLab } from '../../testing/modern-lab.js';
import { proxyOf, RegistryBench, ScriptedTransport, serverOf } from '../../testing/registries.js';
import { type Received, ScriptedConnection } from '../../testing/scripted-connection.js';
import { StreamableHttpTransport } from '../../transports/http/streamable-http.transport.js';
import { StdioTransport } from '../../transports/stdio/stdio.transport.js';

// The real SDK on the other side where it can say what is needed; scripted connections for what no honest server does.

type Json = Record<string, unknown>;
const ASKING = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const LEGACY = { session: 's', capabilities: ASKING };
const MODERN = { era: 'modern' as const, capabilities: ASKING };
const META = 'io.modelcontextprotocol';
const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function http(options: Parameters<typeof startModernLab>[0] = {}) {
  const lab = await startModernLab(options);
  closers.push(() => lab.close());
  const test = bench({ 'streamable-http': new StreamableHttpTransport(new EgressGuard()) });
  await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: lab.url })]));
  return { lab, test };
}

async function stdio() {
  const test = bench({ stdio: new StdioTransport() });
  const connection = { command: process.execPath, args: [MODERN_LAB] };
  await test.up(proxyOf([serverOf('lab', 'stdio', connection, { protocol: 'modern' })]));
  return { test };
}

function bench(transports: ConstructorParameters<typeof RegistryBench>[0]): RegistryBench {
  const made = new RegistryBench(transports);
  closers.push(() => made.registry.stop(0));
  return made;
}

const DISCOVERED = { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } };

/** A modern upstream whose answers to tools/call the test writes. */
async function scripted(
  call: (request: Received, connection: ScriptedConnection) => void,
  attribution: 'request' | 'connection' = 'request',
  connection: Json = {},
): Promise<{ test: RegistryBench; wire: () => ScriptedConnection }> {
  const transport = new ScriptedTransport(() => {
    const made = new ScriptedConnection(attribution);
    made.onRequest = (request) => {
      if (request.method === 'server/discover') made.answer(request, DISCOVERED);
      else if (request.method === 'tools/list') {
        const inputSchema = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Area' } } };
        made.answer(request, { resultType: 'complete', tools: [{ name: 't', inputSchema }] });
      } else if (request.method === 'tools/call') call(request, made);
    };
    return made;
  });
  const test = bench({ scripted: transport });
  await test.up(proxyOf([serverOf('lab', 'scripted', connection, { protocol: 'modern' })]));
  return { test, wire: () => transport.connections[0]! };
}

async function send(
  test: RegistryBench,
  tool: string,
  args = {},
  who: Json = LEGACY,
  sink = new RecordingSink(),
  more = {},
) {
  return await test.upstream('lab').send(toolCall(tool, args, more), exchangeOf(who), sink);
}

async function use(test: RegistryBench, tool: string, args = {}, who: Json = LEGACY, sink = new RecordingSink()) {
  const { content } = jsonOf(await send(test, tool, args, who, sink)) as { content: { text: string }[] };
  return JSON.parse(content[0]?.text ?? 'null') as Json;
}

async function failure(promise: Promise<unknown>): Promise<GatewayError> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof GatewayError)) throw new Error('it did not fail');
  return thrown;
}

describe('a request to a modern upstream', () => {
  it('is built from scratch: envelope, headers, the client’s capabilities', async () => {
    const { test } = await http();
    const { envelope, headers, meta } = (await use(test, 'who')) as Record<string, Json>;
    expect({ ...meta, ...envelope }).toMatchObject({
      [`${META}/protocolVersion`]: '2026-07-28',
      [`${META}/clientInfo`]: { name: 'mcp-gateway', version: '0.0.0' },
      [`${META}/clientCapabilities`]: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
    });
    expect(headers).toMatchObject({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'who',
    });
    expect(headers?.['mcp-session-id']).toBeUndefined();
    const quiet = (await use(test, 'who', {}, { era: 'modern' })) as Record<string, Json>;
    expect({ ...quiet['meta'], ...quiet['envelope'] }).toMatchObject({ [`${META}/clientCapabilities`]: {} });
  });

  it('encodes names that no header carries', async () => {
    const { lab, test } = await http();
    const call = callOf('resources/read', { uri: 'lab://grüße' }, { repeatable: true });
    await test.upstream('lab').send(call, exchangeOf(LEGACY), new RecordingSink());
    const read = lab.seen.find(({ method }) => method === 'resources/read');
    expect(read?.headers.get('mcp-name')).toBe(`=?base64?${Buffer.from('lab://grüße').toString('base64')}?=`);
  });

  it('asks for log messages at the level the caller wants, and for none without', async () => {
    const { test } = await http();
    const wants = async (who: Json) => {
      const { envelope, meta } = (await use(test, 'who', {}, who)) as Record<string, Json>;
      return { ...meta, ...envelope }[`${META}/logLevel`];
    };
    expect(await wants({ era: 'modern' })).toBeUndefined();
    expect(await wants({ era: 'modern', logLevel: 'warning' })).toBe('warning');
    expect(await wants(LEGACY)).toBe('info');
    await test.upstream('lab').setLevel('error', exchangeOf(LEGACY));
    expect(await wants(LEGACY)).toBe('error');
    const sink = new RecordingSink();
    await use(test, 'log', { level: 'critical', text: 'x' }, LEGACY, sink);
    await use(test, 'log', { level: 'debug', text: 'y' }, LEGACY, sink);
    expect(sink.logs).toEqual([expect.objectContaining({ level: 'critical', data: 'x' })]);
  });

  it('brings progress to its own caller', async () => {
    const { test } = await http();
    const sinks = [new RecordingSink(), new RecordingSink()];
    await Promise.all(sinks.map((sink) => use(test, 'slow', { steps: 3 }, LEGACY, sink)));
    for (const sink of sinks) expect(sink.progressed.map(({ progress }) => progress)).toEqual([1, 2, 3]);
  });

  it('is cancelled by closing its stream', async () => {
    const { lab, test } = await http();
    const exchange = exchangeOf(LEGACY);
    const running = failure(test.upstream('lab').send(toolCall('hang'), exchange, new RecordingSink()));
    while (!lab.journal.calls.includes('hang')) await new Promise((resolve) => setImmediate(resolve));
    exchange.abort();
    expect((await running).code).toBe('CANCELLED');
    while (!lab.journal.cancelled.includes('hang')) await new Promise((resolve) => setImmediate(resolve));
    expect(lab.seen.map(({ method }) => method)).not.toContain('notifications/cancelled');
  });

  it('is cancelled by a notification on stdio', async () => {
    const { test, wire } = await scripted(() => {}, 'connection');
    const exchange = exchangeOf(LEGACY);
    const running = failure(test.upstream('lab').send(toolCall('t'), exchange, new RecordingSink()));
    const { id } = await wire().request('tools/call');
    exchange.abort('enough');
    expect((await running).code).toBe('CANCELLED');
    await wire().until(() => wire().posted.length > 0);
    expect(wire().posted[0]).toMatchObject({ method: 'notifications/cancelled', params: { requestId: id } });
  });

  it('has its result without modern members for a legacy client, and untouched for a modern one', async () => {
    const { test } = await http();
    const read = callOf('resources/read', { uri: 'lab://a' }, { repeatable: true });
    const ask = async (who: Json) => await test.upstream('lab').send(read, exchangeOf(who), new RecordingSink());
    const old = await ask(LEGACY);
    expect(jsonOf(old)).toEqual({ contents: [{ uri: 'lab://a', text: 'read' }] });
    expect(old).toMatchObject({ freshness: { ttl: 0, scope: 'private' } });
    expect(jsonOf(await ask(MODERN))).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' });
  });

  it('fails when the type of its result is unknown', async () => {
    const { test } = await scripted((request, wire) => wire.answer(request, { resultType: 'task', taskId: '1' }));
    const error = await failure(send(test, 't'));
    expect(error.code).toBe('UPSTREAM_PROTOCOL');
    expect(error.message).toContain('task');
  });

  it('counts a result without a type as complete', async () => {
    const { test } = await scripted((request, wire) => wire.answer(request, { content: [] }));
    expect(jsonOf(await send(test, 't'))).toEqual({ content: [] });
  });

  it('whose headers follow an outdated definition is sent once more after looking again', async () => {
    const seen: (string | undefined)[] = [];
    const { test } = await scripted((request, wire) => {
      seen.push(request.headers['Mcp-Param-Area']);
      if (request.headers['Mcp-Param-Area'] === 'north') wire.answer(request, { content: [] });
      else wire.say({ id: request.id, error: { code: -32020, message: 'Mcp-Param-Area is missing' } }, request);
    });
    const outdated = { paramHeaders: { 'Mcp-Param-Region': 'north' } };
    expect(jsonOf(await send(test, 't', { region: 'north' }, LEGACY, undefined, outdated))).toEqual({ content: [] });
    expect(seen).toEqual([undefined, 'north']);
  });

  it('never relays complaints about the envelope', async () => {
    const { test } = await scripted((request, wire) =>
      wire.say({ id: request.id, error: { code: -32020, message: 'bad headers' } }, request),
    );
    expect((await failure(send(test, 't'))).code).toBe('UPSTREAM_PROTOCOL');
  });

  it('relays that a capability is missing', async () => {
    const error = { code: -32021, message: 'needs it', data: { requiredCapabilities: { sampling: {} } } };
    const { test } = await scripted((request, wire) => wire.say({ id: request.id, error }, request));
    expect(await send(test, 't')).toMatchObject({ kind: 'error', code: -32021 });
  });
});

describe('input_required', () => {
  it('is relayed to a modern client, which answers it on its retry', async () => {
    const { test } = await http();
    const relaysInput = { relaysInput: true };
    const first = await send(test, 'ask', { question: 'name?' }, MODERN, undefined, relaysInput);
    expect(first).toMatchObject({ kind: 'input_required', server: 'lab' });
    expect(jsonOf(first)).toMatchObject({
      requestState: 'state-1',
      inputRequests: { form: { params: { message: 'name?' } } },
    });
    const resumption = {
      inputResponses: Buffer.from('{"form":{"action":"accept","content":{"name":"Ada"}}}'),
      requestState: 'state-1',
    };
    const second = await send(test, 'ask', {}, MODERN, undefined, { ...relaysInput, resumption });
    expect(JSON.stringify(jsonOf(second))).toContain('Ada');
  });

  it('is answered within the call for a legacy client, with the exact state and a new id', async () => {
    const { lab, test } = await http();
    const sink = new RecordingSink();
    sink.answer = ({ method }) => (method === 'roots/list' ? { roots: [] } : { action: 'decline' });
    expect(await use(test, 'both', {}, LEGACY, sink)).toEqual({
      one: { action: 'decline' },
      two: { roots: [] },
      state: 'opaque "state" \u{1f600}',
    });
    expect(sink.asked.map(({ method }) => method).sort()).toEqual(['elicitation/create', 'roots/list']);
    expect(lab.journal.calls.filter((name) => name === 'both')).toHaveLength(2);
  });

  it('works on stdio', async () => {
    const { test } = await stdio();
    const sink = new RecordingSink();
    sink.answer = () => ({ action: 'accept', content: {} });
    expect(await use(test, 'ask', {}, LEGACY, sink)).toEqual({ action: 'accept', content: {} });
    expect(await use(test, 'slow', { steps: 2 }, LEGACY, sink)).toBe('done');
    expect(sink.progressed).toHaveLength(2);
  });

  it('by URL gets an id for a legacy client, who is told when it is done', async () => {
    const { test } = await http();
    const completed: Json[] = [];
    test.registry.events.on('elicitationCompleted', ({ clients, params }) =>
      completed.push({ clients, ...(JSON.parse(params.toString()) as Json) }),
    );
    const sink = new RecordingSink();
    sink.answer = () => ({ action: 'accept' });
    expect(await use(test, 'ask-url', {}, LEGACY, sink)).toEqual({ action: 'accept' });
    const id = sink.asked[0]?.params['elicitationId'];
    expect(id).toEqual(expect.any(String));
    expect(completed).toEqual([{ clients: ['s'], elicitationId: id }]);
  });

  it('counts an elicitation nobody answers as cancelled', async () => {
    const { test } = await http();
    const sink = new RecordingSink();
    sink.answer = () => Promise.reject(new GatewayError('ASK_TIMEOUT', 'nobody there'));
    expect(await use(test, 'ask', {}, LEGACY, sink)).toEqual({ action: 'cancel' });
  });

  it('fails the call when a sample or the roots are not answered', async () => {
    const { test } = await http();
    const sink = new RecordingSink();
    sink.answer = () => Promise.reject(new GatewayError('ASK_TIMEOUT', 'nobody there'));
    expect((await failure(send(test, 'sample', {}, LEGACY, sink))).code).toBe('ASK_TIMEOUT');
    expect((await failure(send(test, 'roots', {}, LEGACY, sink))).code).toBe('ASK_TIMEOUT');
  });

  it('with nothing but state is retried at a pace', async () => {
    const { lab, test } = await http();
    const started = performance.now();
    expect(await use(test, 'patient', { rounds: 2 })).toEqual({ rounds: 2 });
    expect(performance.now() - started).toBeGreaterThan(600);
    expect(lab.journal.calls.filter((name) => name === 'patient')).toHaveLength(3);
  });

  it('ends after ten rounds', async () => {
    const { test } = await http();
    const sink = new RecordingSink();
    sink.answer = () => ({ action: 'accept', content: {} });
    const error = await failure(send(test, 'endless', {}, LEGACY, sink));
    expect(error.code).toBe('UPSTREAM_PROTOCOL');
    expect(sink.asked).toHaveLength(10);
  });

  it('lets the clock stand still while the client thinks', async () => {
    let rounds = 0;
    const { test } = await scripted(
      (request, wire) =>
        wire.answer(
          request,
          rounds++ === 0
            ? { resultType: 'input_required', inputRequests: { a: { method: 'roots/list' } } }
            : { content: [] },
        ),
      'request',
      { timeout: 40, max_total: 60 },
    );
    const sink = new RecordingSink();
    sink.answer = () => new Promise((resolve) => setTimeout(() => resolve({ roots: [] }), 150));
    expect(jsonOf(await send(test, 't', {}, LEGACY, sink))).toEqual({ content: [] });
  });

  it('takes its questions back when the call is cancelled', async () => {
    const { test } = await http();
    const sink = new RecordingSink();
    const exchange = exchangeOf(LEGACY);
    const running = failure(test.upstream('lab').send(toolCall('ask'), exchange, sink));
    await sink.until(() => sink.asked.length > 0);
    exchange.abort();
    expect((await running).code).toBe('CANCELLED');
    expect(sink.withdrawn).toHaveLength(1);
  });

  const question = (method: string, params: Json = {}) => ({ inputRequests: { a: { method, params } } });
  it.each<[string, Json, Json]>([
    ['neither questions nor state', {}, ASKING],
    ['no question and no state', { inputRequests: {} }, ASKING],
    ['an unknown question', question('tools/call'), ASKING],
    ['an undeclared question', question('sampling/createMessage'), { elicitation: {} }],
    ['an undeclared mode', question('elicitation/create', { mode: 'url' }), { elicitation: {} }],
    ['a state that is no string', { requestState: 7 }, ASKING],
  ])('with %s breaks the rules', async (_name, result, capabilities) => {
    const { test } = await scripted((request, wire) =>
      wire.answer(request, { resultType: 'input_required', ...result }),
    );
    for (const who of [
      { session: 's', capabilities },
      { era: 'modern' as const, capabilities },
    ]) {
      const error = await failure(send(test, 't', {}, who, undefined, { relaysInput: 'era' in who }));
      expect(error.code).toBe('UPSTREAM_PROTOCOL');
    }
  });

  it('with more questions than a client can be asked at once is refused', async () => {
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`q${n}`, { method: 'roots/list' }]));
    const { test } = await scripted((request, wire) =>
      wire.answer(request, { resultType: 'input_required', inputRequests: many }),
    );
    const sink = new RecordingSink();
    expect((await failure(send(test, 't', {}, LEGACY, sink))).code).toBe('UPSTREAM_PROTOCOL');
    expect(sink.asked).toEqual([]);
  });
});

describe('the listen stream', () => {
  const streams = (lab: Awaited<ReturnType<typeof http>>['lab']) => lab.count('subscriptions/listen');
  const acked = async (test: RegistryBench, uri = 'lab://a', subscriber = 'listen-1') =>
    jsonOf(await test.upstream('lab').subscribe(uri, exchangeOf(MODERN), subscriber));

  it.each(['http', 'stdio'] as const)('brings list changes over %s', async (kind) => {
    const { test } = kind === 'http' ? await http() : await stdio();
    const before = test.listed.length;
    // A subscription that is acknowledged means that there is a stream.
    await acked(test);
    await use(test, 'grow', { name: 'new-tool' });
    await test.until(() => test.listed.length > before && test.names('lab').includes('new-tool'));
  });

  it.each(['http', 'stdio'] as const)(
    'brings updates of watched resources, to those who watch, over %s',
    async (kind) => {
      const { test } = kind === 'http' ? await http() : await stdio();
      expect(await acked(test)).toEqual({});
      expect(jsonOf(await test.upstream('lab').subscribe('lab://b', exchangeOf(LEGACY), 's'))).toEqual({});
      await use(test, 'touch', { uri: 'lab://a' });
      await use(test, 'touch', { uri: 'lab://b' });
      await test.until(() => test.updated.some(({ uri }) => uri === 'lab://b'));
      expect(test.updated).toEqual([
        { server: 'lab', uri: 'lab://a', clients: ['listen-1'] },
        { server: 'lab', uri: 'lab://b', clients: ['s'] },
      ]);
    },
  );

  it('is one for all who watch under one credential', async () => {
    const { lab, test } = await http();
    await Promise.all([acked(test, 'lab://a', 'one'), acked(test, 'lab://b', 'two'), acked(test, 'lab://a', 'three')]);
    // The first knew of no resource, the second of both.
    expect(streams(lab)).toBe(2);
    await use(test, 'touch', { uri: 'lab://a' });
    await test.until(() => test.updated.length > 0);
    expect([...(test.updated[0]?.clients ?? [])].sort()).toEqual(['one', 'three']);
  });

  it('lets go of what nobody watches any more', async () => {
    const { lab, test } = await http();
    await acked(test);
    const before = streams(lab);
    test.registry.releaseClient('listen-1');
    while (streams(lab) === before) await new Promise((resolve) => setImmediate(resolve));
    await use(test, 'touch', { uri: 'lab://a' });
    expect(test.updated).toEqual([]);
  });

  it.each(['timeout', 'max_total'] as const)('lets go of what was not acknowledged within %s', async (limit) => {
    const { test, wire } = await scripted(() => {}, 'request', { timeout: 60_000, max_total: 60_000, [limit]: 150 });
    const error = await failure(test.upstream('lab').subscribe('lab://a', exchangeOf(LEGACY), 's'));
    expect(error).toMatchObject({ code: 'UPSTREAM_TIMEOUT', data: { server: 'lab', limit: `connection.${limit}` } });
    const asked = () => wire().received.filter(({ method }) => method === 'subscriptions/listen');
    const wanted = () => JSON.stringify(asked().at(-1)?.params['notifications']);
    while (asked().length < 3) await new Promise((resolve) => setImmediate(resolve));
    expect(JSON.stringify(asked()[1]?.params)).toContain('lab://a');
    expect(wanted()).toBe('{"toolsListChanged":true}');
  });

  it('is opened again when the upstream ends it, and tells what may have been missed', async () => {
    const { lab, test } = await http();
    await acked(test);
    const lists = lab.count('tools/list');
    await lab.hangUp();
    await test.until(() => test.updated.length > 0);
    expect(test.updated[0]).toEqual({ server: 'lab', uri: 'lab://a', clients: ['listen-1'] });
    while (lab.count('tools/list') === lists) await new Promise((resolve) => setImmediate(resolve));
  });

  it('is not insisted on when the upstream has none', async () => {
    const { test, wire } = await scripted(() => {});
    const { id, sink } = await wire().request('subscriptions/listen');
    sink.onMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } })));
    const watched = test.upstream('lab').subscribe('lab://a', exchangeOf(MODERN), 'listen-1');
    const again = await wire().request('subscriptions/listen', 2);
    wire().say({ id: again.id, error: { code: -32601, message: 'no' } }, again);
    expect(await watched).toMatchObject({ kind: 'error', code: -32601 });
    expect(test.upstream('lab').status.state).toBe('ready');
  });
});

describe('a modern upstream', () => {
  it('is pinged by discovering it, and listed again when it has become another', async () => {
    let capabilities: Json = { tools: {} };
    let pings = 0;
    const transport = new ScriptedTransport(() => {
      const made = new ScriptedConnection('request');
      made.onRequest = (request) => {
        if (request.method === 'server/discover') {
          pings++;
          made.answer(request, { ...DISCOVERED, capabilities });
        } else if (request.method.endsWith('/list')) {
          made.answer(request, { tools: [], prompts: [{ name: 'p' }], ttlMs: 5_000, cacheScope: 'public' });
        }
      };
      return made;
    });
    const test = bench({ scripted: transport });
    const heartbeat = { enabled: true, interval: 20, timeout: 1_000, failures: 3 };
    await test.up(proxyOf([serverOf('lab', 'scripted', {}, { protocol: 'modern' })], { heartbeat }));
    expect(test.upstream('lab').listing?.freshness).toEqual({ tools: { ttl: 5_000, scope: 'public' } });
    capabilities = { tools: {}, prompts: {} };
    await test.until(() => (test.upstream('lab').listing?.items.prompts.length ?? 0) > 0);
    expect(pings).toBeGreaterThan(1);
    expect(transport.connections[0]?.received.map(({ method }) => method)).not.toContain('ping');
  });
});
