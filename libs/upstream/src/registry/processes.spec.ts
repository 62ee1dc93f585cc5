import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { principal } from '#libs/kernel';
import { ChildPlaces } from '../pool/child-places.js';
import { type CallerOptions, exchangeOf, jsonOf, RecordingSink, toolCall } from '../testing/callers.js';
import { LAB_SERVER } from '../testing/lab-server.js';
import { proxyOf, RegistryBench, serverOf } from '../testing/registries.js';
import { StdioTransport } from '../transports/stdio/stdio.transport.js';

// How many children there are, of whom, and what becomes of them. Real ones.

let dir: string;
const benches: RegistryBench[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'processes-'));
});

afterEach(async () => {
  await Promise.all(benches.splice(0).map(({ registry }) => registry.stop(0)));
  rmSync(dir, { recursive: true, force: true });
});

function bench(): RegistryBench {
  const places = new ChildPlaces();
  const made = new RegistryBench({ stdio: new StdioTransport(undefined, places) }, places);
  benches.push(made);
  return made;
}

const lab = (name = 'lab', connection = {}, rest = {}) =>
  serverOf(name, 'stdio', { command: process.execPath, args: [LAB_SERVER], ...connection }, rest);

/** The laboratory behind a program that notes each start in a file, and fails while another file exists. */
function fragile() {
  const [starts, broken, file] = [join(dir, 'starts'), join(dir, 'broken'), join(dir, 'fragile.mjs')];
  writeFileSync(starts, '');
  writeFileSync(
    file,
    `import { appendFileSync, existsSync } from 'node:fs';
     appendFileSync(${JSON.stringify(starts)}, process.pid + '\\n');
     if (existsSync(${JSON.stringify(broken)})) {
       console.error('loading');
       console.error('no licence for ' + process.env.LICENCE_KEY);
       process.exit(7);
     }
     process.argv[1] = ${JSON.stringify(LAB_SERVER)};
     await import(${JSON.stringify(LAB_SERVER)});`,
  );
  return {
    args: [file],
    env: { LICENCE_KEY: 'lic-1234567890' },
    breakIt: () => appendFileSync(broken, 'yes'),
    mend: () => rmSync(broken),
    starts: () => readFileSync(starts, 'utf8').split('\n').length - 1,
  };
}

async function who(from: RegistryBench, caller: CallerOptions = {}, server = 'lab'): Promise<number> {
  const outcome = await from.upstream(server).send(toolCall('who'), exchangeOf(caller), new RecordingSink());
  const { content } = jsonOf(outcome) as { content: { text: string }[] };
  return (JSON.parse(content[0]!.text) as { pid: number }).pid;
}

const processes = (from: RegistryBench, server = 'lab') => from.upstream(server).status.processes!;
const people = ['alice', 'bob', 'carol', 'dave'].map((name) => principal('issuer', name));

describe('the status of a stdio upstream', () => {
  it('shows pid, memory, age and restarts of each child, and how the last one ended', async () => {
    const test = bench();
    await test.up(proxyOf([lab()]));
    const own = await who(test, { principal: people[0]!, session: 's' });
    const { children, restarts } = processes(test);
    expect(children).toMatchObject([
      { service: true, restarts: 0, running: 0 },
      { service: false, restarts: 0, running: 0, pid: own },
    ]);
    expect(restarts).toBe(0);
    for (const child of children) {
      expect(Math.abs(Date.now() - child.since)).toBeLessThan(60_000);
      if (process.platform === 'linux') await vi.waitFor(() => expect(child.rss).toBeGreaterThan(10_000_000));
    }
    expect(JSON.parse(JSON.stringify(children[0]))).toHaveProperty('pid');

    process.kill(own, 'SIGKILL');
    await test.until(() => processes(test).children.length === 1);
    expect(processes(test).lastExit).toMatchObject({ signal: 'SIGKILL', reason: expect.stringContaining('SIGKILL') });
    expect(processes(test).restarts).toBe(0);
    const next = await who(test, { principal: people[0]!, session: 's' });
    expect(next).not.toBe(own);
    expect(processes(test)).toMatchObject({ restarts: 1, children: [{ restarts: 0 }, { pid: next, restarts: 1 }] });
  });
});

describe('a program that dies as soon as it is up', () => {
  it('is not started for each call of a caller, who is told why and when it is tried again', async () => {
    const test = bench();
    const program = fragile();
    const { args, env } = program;
    const retry = { initial: 60_000, max: 60_000, multiplier: 1 };
    await test.up(proxyOf([lab('lab', { args, env }, { protocol: 'legacy' })], { retry }));
    expect(program.starts()).toBe(1);
    program.breakIt();
    for (let call = 0; call < 10; call++) {
      await expect(who(test, { principal: people[0]!, session: 's' })).rejects.toMatchObject({
        code: 'UPSTREAM_UNREACHABLE',
        message: expect.stringContaining('exited with code 7'),
        data: { stderr: ['loading', 'no licence for [secret]'] },
      });
    }
    expect(program.starts()).toBe(4);
    await expect(who(test, { principal: people[0]!, session: 's' })).rejects.toMatchObject({
      message: expect.stringMatching(/3 times in a row.*starts it again/),
      data: { retryAt: expect.any(String) },
    });
    // Nobody else pays for it: what they are told is what they find themselves.
    program.mend();
    expect(await who(test, { principal: people[1]!, session: 't' })).toBeGreaterThan(1);
    expect(processes(test).lastExit).toMatchObject({ code: 7, stderr: 'no licence for [secret]' });
    expect(test.upstream('lab').status.state).toBe('ready');
  });
});

describe('children of one stdio upstream', () => {
  const capable = { elicitation: {} };

  it('by default: one for each principal and set of capabilities, however many sessions and calls', async () => {
    const test = bench();
    await test.up(proxyOf([lab()]));
    const pids = await Promise.all(
      people.flatMap((person) =>
        Array.from({ length: 5 }, (_, n) => who(test, { principal: person, session: `${person.subject}-${n}` })),
      ),
    );
    expect(new Set(pids).size).toBe(people.length);
    expect(processes(test).children).toHaveLength(people.length + 1);
    // Modern clients have no session: the same children.
    const modern = await Promise.all(people.map((person) => who(test, { principal: person, era: 'modern' })));
    expect(new Set([...pids, ...modern]).size).toBe(people.length);
    await who(test, { principal: people[0]!, session: 'asked', capabilities: capable });
    expect(processes(test).children).toHaveLength(people.length + 2);
  });

  it('with state: none: one for everybody, and one more for each set of capabilities', async () => {
    const test = bench();
    await test.up(proxyOf([lab('lab', {}, { state: 'none' })]));
    const callers = people.map((person) => ({ principal: person, session: person.subject }));
    const plain = await Promise.all(callers.map((caller) => who(test, caller)));
    expect(new Set(plain).size).toBe(1);
    expect(processes(test).children).toHaveLength(1);
    for (const caller of callers) await who(test, { ...caller, capabilities: capable });
    expect(processes(test).children).toHaveLength(2);
  });

  it('with state: session: one for each client session', async () => {
    const test = bench();
    await test.up(proxyOf([lab('lab', {}, { state: 'session' })]));
    const sessions = ['a', 'b', 'c'].map((session) => ({ principal: people[0]!, session }));
    const pids = await Promise.all([...sessions, ...sessions].map((caller) => who(test, caller)));
    expect(new Set(pids).size).toBe(3);
    expect(processes(test).children).toHaveLength(4);
  });

  it('never more than connection.pool besides the service child: idle ones make room', async () => {
    const test = bench();
    await test.up(proxyOf([lab('lab', { pool: 2 })]));
    const pids: number[] = [];
    for (const person of people) pids.push(await who(test, { principal: person, session: person.subject }));
    expect(new Set(pids).size).toBe(people.length);
    expect(processes(test).children).toHaveLength(3);
    expect(processes(test).restarts).toBe(0);
  });
});

describe('proxy.max_children', () => {
  const legacy = { protocol: 'legacy' as const };

  it('holds over all upstreams: the child unused for longest makes room, whosever it is', async () => {
    const test = bench();
    const config = proxyOf([lab('one', {}, legacy), lab('two', {}, legacy)], { max_children: 4 });
    await test.up(config);
    const [a, b] = [
      await who(test, { principal: people[0]! }, 'one'),
      await who(test, { principal: people[1]! }, 'two'),
    ];
    const c = await who(test, { principal: people[2]! }, 'two');
    const left = () => [...processes(test, 'one').children, ...processes(test, 'two').children].map(({ pid }) => pid);
    expect(left()).toHaveLength(4);
    expect(left()).toEqual(expect.arrayContaining([b, c]));
    expect(left()).not.toContain(a);
    expect(processes(test, 'one').restarts).toBe(0);
    expect(await who(test, { principal: people[0]! }, 'one')).not.toBe(a);
    expect(left()).not.toContain(b);
  });

  it('refuses at once what finds all children in use, names the key, and is over with the next end of a call', async () => {
    const test = bench();
    await test.up(proxyOf([lab('lab', {}, legacy)], { max_children: 2 }));
    const exchange = exchangeOf({ principal: people[0]! });
    const hanging = test.upstream('lab').send(toolCall('hang'), exchange, new RecordingSink());
    await test.until(() => processes(test).children.some(({ running }) => running > 0));
    await expect(who(test, { principal: people[1]! })).rejects.toMatchObject({
      code: 'UPSTREAM_BUSY',
      notExecuted: true,
      data: { server: 'lab', key: 'proxy.max_children', limit: 2 },
    });
    expect(test.upstream('lab').status.state).toBe('ready');
    exchange.abort();
    await expect(hanging).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await who(test, { principal: people[1]! })).toBeGreaterThan(1);
  });
});

describe('connection.idle', () => {
  it('stops children that callers do not use; the next call starts another, and the lists stay', async () => {
    const test = bench();
    await test.up(proxyOf([lab('lab', { idle: 50 })]));
    const first = await who(test, { principal: people[0]! });
    await vi.waitFor(() => expect(processes(test).children).toMatchObject([{ service: true }]), { timeout: 20_000 });
    expect(test.names('lab')).toContain('echo');
    expect(await who(test, { principal: people[0]! })).not.toBe(first);
    expect(processes(test)).toMatchObject({ restarts: 0 });
    expect(test.withdrawn).toEqual([]);
  });

  it('stops the service child, too, where that is wanted: lists stay, and the next call starts it', async () => {
    const test = bench();
    await test.up(proxyOf([lab('lab', { idle: 50, idle_service: true }, { protocol: 'legacy' })]));
    for (let round = 0; round < 2; round++) {
      await vi.waitFor(() => expect(processes(test).children).toEqual([]), { timeout: 20_000 });
      expect(test.upstream('lab').status).toMatchObject({
        state: 'ready',
        reason: expect.stringContaining('nobody used'),
      });
      expect(test.names('lab')).toContain('echo');
      expect(await who(test)).toBeGreaterThan(1);
    }
    expect(processes(test)).toMatchObject({ restarts: 0 });
    expect(test.states).toEqual(['lab connecting', 'lab ready']);
    expect(test.withdrawn).toEqual([]);
  });

  it('finds out when the service child cannot be started again, and says so', async () => {
    const test = bench();
    const program = fragile();
    const { args, env } = program;
    const retry = { initial: 60_000, max: 60_000, multiplier: 1 };
    const server = lab('lab', { idle: 50, idle_service: true, args, env }, { protocol: 'legacy' });
    await test.up(proxyOf([server], { retry }));
    await vi.waitFor(() => expect(processes(test).children).toEqual([]), { timeout: 20_000 });
    program.breakIt();
    await expect(who(test)).rejects.toMatchObject({ message: expect.stringContaining('exited with code 7') });
    await test.state('lab', 'unreachable');
    const starts = program.starts();
    await expect(who(test)).rejects.toMatchObject({
      message: expect.stringMatching(/exited with code 7.*tries again/),
    });
    expect(program.starts()).toBe(starts);
    expect(starts).toBeLessThanOrEqual(3);
  });
});
