import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EgressGuard } from '#libs/egress';
import { type GatewayError, principal } from '#libs/kernel';
import { InProcessServer } from '#libs/plugin';
import { callOf, exchangeOf, jsonOf, RecordingSink, toolCall } from '../testing/callers.js';
import { createLabServer, type HttpLab, LAB_SERVER, startHttpLab, startSseLab } from '../testing/lab-server.js';
import { proxyOf, RegistryBench, serverOf } from '../testing/registries.js';
import { StreamableHttpTransport } from '../transports/http/streamable-http.transport.js';
import { InProcessTransport } from '../transports/in-process/in-process.transport.js';
import { SseTransport } from '../transports/sse/sse.transport.js';
import { StdioTransport } from '../transports/stdio/stdio.transport.js';

// Real children, real sockets, the real SDK on the other side.

const ASKING = { elicitation: {}, sampling: {}, roots: { listChanged: true } };
const benches: RegistryBench[] = [];
const labs: HttpLab[] = [];

class LabInProcess extends InProcessServer {
  create() {
    return createLabServer().server as never;
  }
}

function bench(): RegistryBench {
  const lab = new LabInProcess();
  const made = new RegistryBench({
    stdio: new StdioTransport(),
    sse: new SseTransport(new EgressGuard()),
    'streamable-http': new StreamableHttpTransport(new EgressGuard()),
    'in-process': new InProcessTransport({ get: () => lab } as never),
  });
  benches.push(made);
  return made;
}

const stdio = (name: string, connection = {}, rest = {}) =>
  serverOf(name, 'stdio', { command: process.execPath, args: [LAB_SERVER], ...connection }, rest);

async function http(options: Parameters<typeof startHttpLab>[0] = {}): Promise<HttpLab> {
  const lab = await startHttpLab(options);
  labs.push(lab);
  return lab;
}

afterEach(async () => {
  await Promise.all(benches.splice(0).map(({ registry }) => registry.stop(0)));
  await Promise.all(labs.splice(0).map((lab) => lab.close()));
});

/** Calls a tool and reads the JSON in its text. */
async function use(
  from: RegistryBench,
  server: string,
  tool: string,
  args: Record<string, unknown> = {},
  who: Parameters<typeof exchangeOf>[0] = {},
  sink = new RecordingSink(),
): Promise<Record<string, unknown>> {
  const outcome = await from.upstream(server).send(toolCall(tool, args), exchangeOf(who), sink);
  const result = jsonOf(outcome) as { content: { text: string }[] };
  return JSON.parse(result.content[0]!.text) as Record<string, unknown>;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] !== 'Z';
  } catch {
    return false;
  }
}

const pidOf = (from: RegistryBench, server: string) => from.upstream(server).status.pids[0]!;

async function gone(pid: number): Promise<void> {
  while (alive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a stdio upstream', () => {
  it('is listed, called, and gone when the registry has stopped', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab')]));
    expect(test.listed[0]).toMatchObject({
      server: 'lab',
      era: 'legacy',
      version: '2025-11-25',
      serverInfo: { name: 'lab' },
      instructions: 'a laboratory',
      failed: {},
    });
    expect(test.names('lab')).toContain('echo');
    expect(test.upstream('lab').status).toMatchObject({ state: 'ready', sessions: 1, counts: { resources: 1 } });
    const who = await use(test, 'lab', 'who');
    expect(who['client']).toEqual({ name: 'mcp-gateway', version: '0.0.0' });
    expect(Object.keys(who['meta'] as object).sort()).toEqual(['dev.mcp-gateway/request-id', 'progressToken']);
    // A client that declares nothing shares the discovery child.
    expect(test.upstream('lab').status.pids).toEqual([who['pid']]);
    await test.registry.stop(0);
    expect(alive(who['pid'] as number)).toBe(false);
  });

  it('carries progress, log messages, and all three kinds of questions', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab')]));
    const who = { session: 's', capabilities: ASKING };
    const sink = new RecordingSink();
    await use(test, 'lab', 'slow', { steps: 3, ms: 1 }, who, sink);
    expect(sink.progressed).toEqual([1, 2, 3].map((progress) => ({ progress, total: 3 })));
    await use(test, 'lab', 'log', { text: 'hello' }, who, sink);
    expect(sink.logs).toEqual([{ level: 'info', data: 'hello' }]);
    sink.answer = ({ method }) =>
      method === 'elicitation/create'
        ? { action: 'accept', content: { a: 1 } }
        : method === 'roots/list'
          ? { roots: [{ uri: 'file:///x' }] }
          : { role: 'assistant', model: 'm', content: { type: 'text', text: 'hi' } };
    expect(await use(test, 'lab', 'ask', { question: 'why' }, who, sink)).toMatchObject({ action: 'accept' });
    expect(await use(test, 'lab', 'ask-loose', {}, who, sink)).toMatchObject({ action: 'accept' });
    expect(await use(test, 'lab', 'sample', {}, who, sink)).toMatchObject({ model: 'm' });
    expect(await use(test, 'lab', 'roots', {}, who, sink)).toMatchObject({ roots: [{ uri: 'file:///x' }] });
    expect(sink.asked[0]).toMatchObject({ server: 'lab', params: { message: 'why' } });
  });

  it('hears of a cancelled call', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab')]));
    const exchange = exchangeOf();
    const hanging = test.upstream('lab').send(toolCall('hang'), exchange, new RecordingSink());
    await use(test, 'lab', 'echo');
    exchange.abort();
    await expect(hanging).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await use(test, 'lab', 'journal'))['cancelled']).toEqual(['hang']);
  });

  it('gives interactive calls of one client a child each, up to the pool, and lets the rest queue', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab', { pool: 2 })]));
    const who = { session: 's', capabilities: ASKING };
    const sinks = [0, 1, 2].map(() => new RecordingSink());
    const asked = sinks.map((sink) => use(test, 'lab', 'ask-loose', {}, who, sink));
    await Promise.all([sinks[0]!, sinks[1]!].map((sink) => sink.until(() => sink.asked.length === 1)));
    expect(test.upstream('lab').status.sessions).toBe(3);
    expect(sinks[2]!.asked).toEqual([]);
    const yes = { kind: 'result' as const, result: Buffer.from('{"action":"decline"}') };
    sinks[0]!.answers[0]!.resolve(yes);
    await sinks[2]!.until(() => sinks[2]!.asked.length === 1);
    sinks[1]!.answers[0]!.resolve(yes);
    sinks[2]!.answers[0]!.resolve(yes);
    expect(await Promise.all(asked)).toEqual([0, 1, 2].map(() => ({ action: 'decline' })));
    expect(test.upstream('lab').status.sessions).toBe(3);
  });

  it('keeps users and anonymous sessions apart, except where anonymous callers are one person', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab')]), { sharedAnonymous: false });
    const pids = await Promise.all(
      [
        { session: 'a' },
        { session: 'b' },
        { session: 'c', principal: principal('i', 'alice') },
        { session: 'd', principal: principal('i', 'alice') },
        { session: 'e', principal: principal('i', 'bob') },
      ].map(async (who) => (await use(test, 'lab', 'who', {}, who))['pid']),
    );
    expect(new Set(pids).size).toBe(4);
    expect(pids[2]).toBe(pids[3]);
    test.registry.releaseClient('a');
    await gone(pids[0] as number);
    expect(alive(pids[1] as number)).toBe(true);
  });

  it('killed with -9 comes back, and no other upstream notices', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab'), stdio('other')]));
    const busy = new AbortController();
    let served = 0;
    const others = (async () => {
      while (!busy.signal.aborted) {
        expect(await use(test, 'other', 'echo', { n: served })).toEqual({ n: served });
        served++;
      }
    })();
    for (let round = 0; round < 3; round++) {
      await test.state('lab', 'ready');
      const pid = pidOf(test, 'lab');
      process.kill(pid, 'SIGKILL');
      await test.until(() => test.upstream('lab').status.state !== 'ready');
      await test.state('lab', 'ready');
      expect(pidOf(test, 'lab')).not.toBe(pid);
      expect(await use(test, 'lab', 'echo', { round })).toEqual({ round });
    }
    busy.abort();
    await others;
    expect(served).toBeGreaterThan(0);
    expect(test.withdrawn).toEqual([]);
  });

  it('says what died and what it said last, and that the call may have been executed', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab')]));
    const error = await use(test, 'lab', 'die', { code: 7 }).catch((thrown: GatewayError) => thrown);
    expect(error).toMatchObject({
      code: 'UPSTREAM_DISCONNECTED',
      notExecuted: false,
      data: { server: 'lab', mayHaveExecuted: true, stderr: ['the lab is on fire'] },
    });
    expect((error as GatewayError).message).toMatch(/lab: .*tool die.*may have been executed/);
    // Which of the two depends on how long it had lived.
    await test.until(() => test.states.some((state) => state === 'lab unreachable' || state === 'lab degraded'));
    await test.state('lab', 'ready');
    expect((await use(test, 'lab', 'journal'))['calls']).toEqual(['journal']);
  });

  it('that cannot start answers calls at once with the cause and when it is tried again', async () => {
    const test = bench();
    const broken = stdio('broken', { args: ['-e', 'console.error("no licence"); process.exit(2)'] });
    test.apply(proxyOf([broken, stdio('lab')], { retry: { initial: 60_000, max: 60_000, multiplier: 1 } }));
    await test.state('broken', 'unreachable');
    await test.state('lab', 'ready');
    const error = await use(test, 'broken', 'echo').catch((thrown: GatewayError) => thrown);
    expect(error).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', notExecuted: true });
    const { data, message } = error as GatewayError;
    expect(message).toMatch(/^broken is temporarily unavailable: .*exited with code 2/);
    expect(message).toMatch(/tries again in \d+ s/);
    expect(data).toMatchObject({ server: 'broken', stderr: ['no licence'] });
    expect(data['retryAt']).toMatch(/^\d{4}-/);
    expect(test.log.lines.filter(({ fields }) => fields['state'] === 'unreachable')).toHaveLength(1);
  });

  it('lets a first call wait for a child that is still starting', async () => {
    const test = bench();
    test.apply(proxyOf([stdio('lab')]));
    expect(test.upstream('lab').status.state).toBe('connecting');
    expect(await use(test, 'lab', 'echo', { early: true })).toEqual({ early: true });
  });

  it('follows list changes', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab')]));
    await use(test, 'lab', 'grow', { name: 'newborn' });
    await test.until(() => test.names('lab').includes('newborn'));
    expect(test.listed).toHaveLength(2);
  });
});

describe('an HTTP upstream with session ids', () => {
  it('has one session per client session, which ends with it', async () => {
    const lab = await http();
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: lab.url })]));
    const sessions = await Promise.all(
      ['a', 'a', 'b'].map(async (session) => (await use(test, 'lab', 'who', {}, { session }))['session']),
    );
    expect(sessions[0]).toBe(sessions[1]);
    expect(sessions[2]).not.toBe(sessions[0]);
    expect(lab.sessions()).toHaveLength(3);
    test.registry.releaseClient('a');
    await test.until(() => test.upstream('lab').status.sessions === 2);
    while (lab.sessions().length > 2) await new Promise((resolve) => setImmediate(resolve));
    expect(lab.sessions()).not.toContain(sessions[0]);
    await test.registry.stop(0);
    expect(lab.sessions()).toEqual([]);
  });

  it('gets the correlation id and trace in headers', async () => {
    const lab = await http();
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: lab.url })]));
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const who = await use(test, 'lab', 'who', {}, { session: 's', traceparent });
    expect(who['headers']).toMatchObject({ traceparent, 'x-request-id': expect.stringMatching(/^exchange-/) });
    expect(who['meta']).toEqual({ progressToken: expect.any(Number) });
  });

  it('asks concurrent calls of different clients, and of the same client, without mixing them up', async () => {
    const lab = await http();
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: lab.url })]));
    const answers = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const sink = new RecordingSink();
        sink.answer = ({ params }) => ({
          action: 'accept',
          content: { echo: (JSON.parse(params!.toString()) as { message: string }).message },
        });
        const who = { session: `s${index % 3}`, capabilities: ASKING };
        return await use(test, 'lab', 'ask', { question: `q${index}` }, who, sink);
      }),
    );
    expect(answers).toEqual(answers.map((_, index) => ({ action: 'accept', content: { echo: `q${index}` } })));
  });

  it('that asks on the standing stream reaches the only running call', async () => {
    const lab = await http();
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: lab.url })]));
    const sink = new RecordingSink();
    sink.answer = () => ({ action: 'cancel' });
    const who = { session: 's', capabilities: ASKING };
    // The first call opens the session; its standing stream is up once a loose question gets through.
    expect(await use(test, 'lab', 'ask', {}, who, sink)).toEqual({ action: 'cancel' });
    expect(await use(test, 'lab', 'ask-loose', {}, who, sink)).toEqual({ action: 'cancel' });
  });

  it('that forgot its sessions gets new ones, with the call, the level and the subscriptions', async () => {
    const lab = await http();
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: lab.url })]));
    const who = { session: 's' };
    await use(test, 'lab', 'echo', {}, who);
    await test.upstream('lab').setLevel('warning', exchangeOf(who));
    expect(jsonOf(await test.upstream('lab').subscribe('lab://a', exchangeOf(who), 's'))).toEqual({});
    const before = test.listed.length;
    lab.forget();
    const journal = await use(test, 'lab', 'journal', {}, who);
    expect(journal).toMatchObject({ levels: ['warning'], subscribed: ['lab://a'] });
    await test.state('lab', 'ready');
    expect(test.updated).toContainEqual({ server: 'lab', uri: 'lab://a', clients: ['s'] });
    expect(test.listed.length).toBeGreaterThanOrEqual(before);
    expect(await use(test, 'lab', 'echo', { again: 1 }, who)).toEqual({ again: 1 });
  });

  it('that goes away is noticed by the next call, fails fast, and comes back', async () => {
    const lab = await startHttpLab();
    const port = Number(new URL(lab.url).port);
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: lab.url })]));
    await lab.close();
    await expect(use(test, 'lab', 'echo', {}, { session: 's' })).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
    });
    await test.state('lab', 'unreachable');
    const back = await http({ port });
    await test.state('lab', 'ready');
    expect(await use(test, 'lab', 'echo', { n: 1 }, { session: 's' })).toEqual({ n: 1 });
    expect(back.posts).toContain('tools/list');
  });
});

describe('an HTTP upstream without session ids', () => {
  it('shares one session per set of capabilities', async () => {
    const lab = await http({ stateful: false });
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: lab.url })]));
    for (const session of ['a', 'b', 'c']) await use(test, 'lab', 'echo', {}, { session });
    expect(test.upstream('lab').status.sessions).toBe(1);
    for (const session of ['a', 'b']) await use(test, 'lab', 'echo', {}, { session, capabilities: ASKING });
    expect(test.upstream('lab').status.sessions).toBe(2);
    expect(lab.posts.filter((method) => method === 'initialize')).toHaveLength(2);
  });
});

describe('an SSE upstream', () => {
  it('has one stream per user, serves calls and questions, and comes back', async () => {
    const lab = await startSseLab();
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'sse', { url: lab.url })]));
    const sink = new RecordingSink();
    sink.answer = () => ({ action: 'decline' });
    const who = { session: 's', capabilities: ASKING };
    expect(await use(test, 'lab', 'ask-loose', {}, who, sink)).toEqual({ action: 'decline' });
    await use(test, 'lab', 'slow', { steps: 2, ms: 1 }, who, sink);
    expect(sink.progressed).toHaveLength(2);
    expect(test.upstream('lab').status.sessions).toBe(2);
    await lab.close();
    await test.until(() => test.upstream('lab').status.state === 'unreachable');
    const back = await startSseLab(lab.port);
    await test.state('lab', 'ready');
    expect(await use(test, 'lab', 'echo', { n: 1 }, who)).toEqual({ n: 1 });
    await test.registry.stop(0);
    await back.close();
  });
});

describe('an in-process upstream', () => {
  it('is pooled freely and serves everything', async () => {
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'in-process')]), { sharedAnonymous: false });
    const first = await use(test, 'lab', 'who', {}, { session: 'a' });
    const second = await use(test, 'lab', 'who', {}, { session: 'b' });
    expect(second['server']).toBe(first['server']);
    const sink = new RecordingSink();
    sink.answer = () => ({ action: 'decline' });
    const who = { session: 'a', capabilities: ASKING };
    expect(await use(test, 'lab', 'ask', {}, who, sink)).toEqual({ action: 'decline' });
  });

  it('may ask outside a call where all callers are one person, else not', async () => {
    const sink = new RecordingSink();
    sink.answer = () => ({ action: 'decline' });
    const who = { session: 'a', capabilities: ASKING };
    const alone = bench();
    await alone.up(proxyOf([serverOf('lab', 'in-process')]));
    expect(await use(alone, 'lab', 'ask-loose', {}, who, sink)).toEqual({ action: 'decline' });
    const open = bench();
    await open.up(proxyOf([serverOf('lab', 'in-process')]), { sharedAnonymous: false });
    const refused = await open.upstream('lab').send(toolCall('ask-loose'), exchangeOf(who), sink);
    expect(refused).toMatchObject({ kind: 'error', code: -32601 });
    expect(sink.asked).toHaveLength(1);
  });
});

describe('subscriptions', () => {
  it('of a stranger who has no session live as long as its listen stream', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab')]), { sharedAnonymous: false });
    const lab = test.upstream('lab');
    // The exchange of a listen request, and what it was told stands for it.
    const listen = exchangeOf({ era: 'modern' });
    expect(jsonOf(await lab.subscribe('lab://a', listen, 'listen-1'))).toEqual({});
    expect(lab.status.sessions).toBe(2);
    expect(jsonOf(await lab.unsubscribe('lab://b', listen, 'listen-1'))).toEqual({});
    expect(lab.status.sessions).toBe(2);
    await use(test, 'lab', 'echo', {}, { era: 'modern' });
    test.registry.releaseClient('listen-1');
    while (lab.status.sessions > 1) await new Promise((resolve) => setImmediate(resolve));
  });

  it('are counted: the upstream hears of the first client and of the last one leaving', async () => {
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'in-process')]));
    const lab = test.upstream('lab');
    const [a, b] = [{ session: 'a' }, { session: 'b' }];
    await Promise.all([lab.subscribe('lab://a', exchangeOf(a), 'a'), lab.subscribe('lab://a', exchangeOf(b), 'b')]);
    await use(test, 'lab', 'touch', { uri: 'lab://a' });
    await use(test, 'lab', 'touch', { uri: 'lab://a/part' });
    await use(test, 'lab', 'touch', { uri: 'lab://z' });
    expect(test.updated.map(({ clients, uri }) => [uri, [...clients].sort()])).toEqual([
      ['lab://a', ['a', 'b']],
      ['lab://a/part', ['a', 'b']],
    ]);
    await lab.unsubscribe('lab://a', exchangeOf(a), 'a');
    expect(await use(test, 'lab', 'journal')).toMatchObject({ subscribed: ['lab://a'], unsubscribed: [] });
    test.registry.releaseClient('b');
    while (((await use(test, 'lab', 'journal'))['unsubscribed'] as string[]).length === 0);
    expect(await use(test, 'lab', 'journal')).toMatchObject({ unsubscribed: ['lab://a'] });
  });
});

describe('log levels', () => {
  it('on a shared session follow the most verbose client, and each client gets what it asked for', async () => {
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'in-process')]));
    const lab = test.upstream('lab');
    const [a, b] = [{ session: 'a' }, { session: 'b' }];
    await use(test, 'lab', 'echo', {}, a);
    await use(test, 'lab', 'echo', {}, b);
    await lab.setLevel('error', exchangeOf(a));
    await lab.setLevel('debug', exchangeOf(b));
    await lab.setLevel('critical', exchangeOf(a));
    expect((await use(test, 'lab', 'journal'))['levels']).toEqual(['error', 'debug']);
    const sink = new RecordingSink();
    await use(test, 'lab', 'log', { level: 'warning', text: 'x' }, a, sink);
    expect(sink.logs).toEqual([]);
    await use(test, 'lab', 'log', { level: 'warning', text: 'x' }, b, sink);
    expect(sink.logs).toHaveLength(1);
    test.registry.releaseClient('b');
    while (((await use(test, 'lab', 'journal'))['levels'] as string[]).length < 3);
    expect((await use(test, 'lab', 'journal'))['levels']).toEqual(['error', 'debug', 'critical']);
  });
});

describe('roots', () => {
  it('changes are told to sessions that serve the client and declared them', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab')]));
    const sink = new RecordingSink();
    sink.answer = () => ({ roots: [] });
    await use(test, 'lab', 'roots', {}, { session: 'a', capabilities: ASKING }, sink);
    test.upstream('lab').rootsChanged('a');
    test.upstream('lab').rootsChanged('stranger');
    const journal = await use(test, 'lab', 'journal', {}, { session: 'a', capabilities: ASKING }, sink);
    expect(journal['rootsChanges']).toBe(1);
    expect((await use(test, 'lab', 'journal'))['rootsChanges']).toBe(0);
  });
});

describe('reload', () => {
  it('goes on with what clients watch and how much they want to hear when an upstream is changed', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab')]));
    const who = { session: 's' };
    await test.upstream('lab').subscribe('lab://a', exchangeOf(who), 's');
    await test.upstream('lab').setLevel('warning', exchangeOf(who));
    await test.up(proxyOf([stdio('lab', { timeout: 12_345 })]));
    await test.until(() => test.updated.length > 0);
    expect(test.updated).toEqual([{ server: 'lab', uri: 'lab://a', clients: ['s'] }]);
    expect(await use(test, 'lab', 'journal', {}, who)).toMatchObject({ subscribed: ['lab://a'], levels: ['warning'] });
  });

  it('touches only what changed, keeps lists of what did, and lets running calls finish', async () => {
    const test = bench();
    const [kept, changed, removed] = [stdio('kept'), stdio('changed'), stdio('removed')];
    await test.up(proxyOf([kept, changed, removed]));
    const [keptPid, changedPid, removedPid] = ['kept', 'changed', 'removed'].map((name) => pidOf(test, name));
    const oldHandle = test.upstream('removed');
    const running = oldHandle.send(toolCall('slow', { steps: 2, ms: 100 }), exchangeOf(), new RecordingSink());
    const applied = test.apply(proxyOf([stdio('kept'), stdio('changed', { timeout: 1_234 }), stdio('added')]));
    expect(applied).toEqual({ added: ['added'], removed: ['removed'], changed: ['changed'], unchanged: ['kept'] });
    expect(test.registry.all().map(({ name }) => name)).toEqual(['kept', 'changed', 'added']);
    expect(test.registry.get('removed')).toBeUndefined();
    expect(test.withdrawn).toEqual([{ server: 'removed', reason: 'removed from the configuration' }]);
    expect(test.names('changed')).toContain('echo');
    await expect(oldHandle.send(toolCall('echo'), exchangeOf(), new RecordingSink())).rejects.toMatchObject({
      code: 'UPSTREAM_REMOVED',
      notExecuted: true,
    });
    expect((await running).kind).toBe('result');
    await Promise.all([gone(changedPid!), gone(removedPid!)]);
    await test.state('changed', 'ready');
    await test.state('added', 'ready');
    expect(pidOf(test, 'kept')).toBe(keptPid);
  });

  it('fails calls of a removed upstream that do not finish in time', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab')]));
    const hanging = test.upstream('lab').send(toolCall('hang'), exchangeOf(), new RecordingSink());
    hanging.catch(() => {});
    await use(test, 'lab', 'echo');
    test.apply(proxyOf([]), { shutdownTimeout: 30 });
    await expect(hanging).rejects.toMatchObject({
      code: 'UPSTREAM_REMOVED',
      notExecuted: false,
      data: { mayHaveExecuted: true },
    });
  });

  it('disabling withdraws, enabling brings back', async () => {
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'in-process')]));
    test.apply(proxyOf([serverOf('lab', 'in-process', {}, { enabled: false })]));
    expect(test.withdrawn).toHaveLength(1);
    expect(test.upstream('lab').status).toMatchObject({ state: 'disabled', counts: { tools: 0 } });
    const disabled = {
      code: 'UPSTREAM_UNREACHABLE',
      notExecuted: true,
      message: expect.stringContaining('lab is disabled'),
    };
    await expect(use(test, 'lab', 'echo')).rejects.toMatchObject(disabled);
    expect(test.upstream('lab').unavailable).toMatchObject(disabled);
    expect(test.upstream('lab').arriving).toBe(false);
    await test.upstream('lab').settled;
    await test.up(proxyOf([serverOf('lab', 'in-process')]));
    expect(await use(test, 'lab', 'echo', { back: 1 })).toEqual({ back: 1 });
  });
});

describe('stopping', () => {
  it('leaves no child and no timer, whatever was going on', async () => {
    const count = () =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'ProcessWrap').length;
    const before = count();
    const test = bench();
    const heartbeat = { enabled: true, interval: 50, timeout: 50, failures: 3 };
    const broken = stdio('broken', { args: ['-e', 'process.exit(1)'] });
    await test
      .up(proxyOf([stdio('lab')], { heartbeat }))
      .then(() => test.apply(proxyOf([stdio('lab'), broken], { heartbeat })));
    await test.state('broken', 'unreachable');
    const sink = new RecordingSink();
    const asking = use(test, 'lab', 'ask', {}, { session: 's', capabilities: ASKING }, sink);
    asking.catch(() => {});
    await sink.until(() => sink.asked.length === 1);
    const { pids } = test.upstream('lab').status;
    expect(pids).toHaveLength(2);
    await test.registry.stop(10);
    await expect(asking).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(pids.filter(alive)).toEqual([]);
    expect(sink.withdrawn).toHaveLength(1);
    // The handle of a process that ended is freed in the next turn of the event loop.
    await vi.waitFor(() => expect(count()).toBeLessThanOrEqual(before), 5_000);
    expect(() => test.apply(proxyOf([]))).toThrow(/stopping/);
  });

  it('during a cold start leaves nothing behind', async () => {
    const test = bench();
    test.apply(proxyOf([stdio('mute', { args: ['-e', 'setInterval(() => {}, 1000)'] })]));
    const children = () => process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length;
    while (children() === 0) await new Promise((resolve) => setImmediate(resolve));
    await test.registry.stop(0);
    // The handle of a process that ended is freed in the next turn of the event loop.
    await vi.waitFor(() => expect(children()).toBe(0));
  });
});

describe('reads', () => {
  it('that broke off are sent once more on a new session', async () => {
    const test = bench();
    await test.up(proxyOf([stdio('lab')]));
    const lab = test.upstream('lab');
    const dying = lab.send(toolCall('die'), exchangeOf(), new RecordingSink());
    const read = lab.send(
      callOf('resources/read', { uri: 'lab://a' }, { repeatable: true }),
      exchangeOf(),
      new RecordingSink(),
    );
    await expect(dying).rejects.toMatchObject({ code: 'UPSTREAM_DISCONNECTED' });
    expect((await read).kind).toBe('result');
  });
});
