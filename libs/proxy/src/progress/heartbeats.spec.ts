import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Answer } from '#libs/kernel';
import { type CorridorOptions, corridors, TestPolicy } from '../testing/corridor.js';
import { ScriptedUpstream, type Seen } from '../testing/scripted-upstream.js';
import { CallProgress } from './call-progress.js';
import { Heartbeats } from './heartbeats.js';

const open = corridors();

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** A client whose call an upstream has and keeps. */
async function waiting(
  options: CorridorOptions & { version?: string; token?: string; capabilities?: object; at?: string } = {},
) {
  const held: Seen[] = [];
  const up = new ScriptedUpstream({ 'tools/call': (seen) => void held.push(seen) });
  const corridor = await open({ up }, options);
  const { at, capabilities, version } = options;
  const client = corridor.client({
    ...(version === undefined ? {} : { version }),
    ...(capabilities && { capabilities }),
    ...(at === undefined ? {} : { at }),
  });
  const exchange = client.exchange();
  const meta = options.token === '' ? '' : `,"_meta":{"progressToken":${options.token ?? '"t"'}}`;
  const outcome = client.send('tools/call', `{"name":"${at === undefined ? 'up:' : ''}work"${meta}}`, exchange);
  const settled = outcome.then(
    () => 'done',
    (thrown: Error) => thrown,
  );
  await expect.poll(() => held.length).toBe(1);
  const seen = held[0] as Seen;
  const token = (seen.params['_meta'] as { progressToken: number }).progressToken;
  const report = (members: string) =>
    seen.say(
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token}${members ? `,${members}` : ''}}}`,
    );
  const heard = () => client.told.map(({ params }) => JSON.parse(params) as Record<string, unknown>);
  return { client, corridor, exchange, heard, report, seen, settled, up };
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe('a silent upstream', () => {
  it('is made up for, every proxy.progress_heartbeat, with rising values and how long it has been', async () => {
    const { heard, seen, settled } = await waiting();
    await pass(9_000);
    expect(heard()).toEqual([]);
    await pass(19_500);
    const messages = heard();
    expect(messages.length).toBeGreaterThanOrEqual(2);
    for (const [i, { message, progress, progressToken }] of messages.entries()) {
      expect(progressToken).toBe('t');
      expect(message).toMatch(/^waiting for up:work \(\d+ s\)$/);
      if (i > 0) expect(progress).toBeGreaterThan(messages[i - 1]?.['progress'] as number);
      expect(progress).toBeLessThan(0.001);
    }
    seen.result('{"content":[]}');
    expect(await settled).toBe('done');
  });

  it('says nothing to a client that asked for no progress', async () => {
    const { client, seen, settled } = await waiting({ token: '' });
    await pass(28_000);
    seen.result('{"content":[]}');
    expect(await settled).toBe('done');
    expect(client.told).toEqual([]);
  });

  it('says nothing where proxy.progress_heartbeat is 0, and does as soon as it is not', async () => {
    const { corridor, heard } = await waiting({ proxy: { progress_heartbeat: 0 } });
    await pass(20_000);
    expect(heard()).toEqual([]);
    corridor.reload({ progress_heartbeat: '1s' });
    await pass(4_000);
    expect(heard().length).toBeGreaterThan(1);
  });

  it('leaves out the text for clients of a revision without one', async () => {
    const { heard } = await waiting({ version: '2024-11-05' });
    await pass(15_000);
    expect(heard()[0]).toEqual({ progressToken: 't', progress: 1e-6 });
  });
});

describe('reports of the upstream', () => {
  it('pass untouched between signs of life, which keep its total', async () => {
    const { client, heard, report } = await waiting();
    await pass(15_000);
    report('"progress":1,"total":3,"x":90071992547409931');
    await pass(15_000);
    report('"progress":2,"total":3');
    expect(client.told.map(({ params }) => params)).toContain(
      '{"progress":1,"total":3,"x":90071992547409931,"progressToken":"t"}',
    );
    const values = heard().map(({ progress }) => progress as number);
    expect(values.filter((value) => value === 1 || value === 2)).toEqual([1, 2]);
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(new Set(values).size).toBe(values.length);
    expect(heard().find(({ message, total }) => message && total)).toMatchObject({ total: 3 });
  });

  it('put off the next sign of life', async () => {
    const { heard, report } = await waiting();
    for (let step = 1; step <= 6; step++) {
      await pass(5_000);
      report(`"progress":${step}`);
    }
    expect(heard().map(({ progress }) => progress)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('that do not rise, do when the client hears them', async () => {
    const { heard, report } = await waiting();
    for (const value of [5, 5, 2, 6]) report(`"progress":${value},"message":"at ${value}"`);
    const values = heard().map(({ progress }) => progress as number);
    expect(values[0]).toBe(5);
    expect(values[1]).toBeGreaterThan(5);
    expect(values[2]).toBeGreaterThan(values[1] as number);
    expect(values[2]).toBeLessThan(5.000001);
    expect(values[3]).toBe(6);
    expect(heard().map(({ message }) => message)).toEqual(['at 5', 'at 5', 'at 2', 'at 6']);
  });
});

describe('signs of life end', () => {
  it('with the answer', async () => {
    const { client, seen, settled } = await waiting();
    await pass(15_000);
    seen.result('{"content":[]}');
    await settled;
    const told = client.told.length;
    await pass(60_000);
    expect(client.told).toHaveLength(told);
  });

  it('with an error', async () => {
    const { client, settled } = await waiting();
    await pass(31_000);
    expect(await settled).toMatchObject({ code: 'UPSTREAM_TIMEOUT', data: { tool: 'work', server: 'up' } });
    const told = client.told.length;
    await pass(60_000);
    expect(client.told).toHaveLength(told);
  });

  it('with the permission', async () => {
    const decide = new TestPolicy();
    const { client } = await waiting({ decide });
    await pass(15_000);
    const told = client.told.length;
    expect(told).toBeGreaterThan(0);
    decide.set(() => 'hide');
    await pass(12_000);
    expect(client.told).toHaveLength(told);
  });

  it('while a question is open, and go on after it', async () => {
    const { client, heard, seen } = await waiting({ capabilities: { elicitation: {} } });
    let answer: (answer: Answer) => void = () => {};
    client.reply = () => new Promise<Answer>((resolve) => (answer = resolve));
    seen.say(
      '{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}',
    );
    await expect.poll(() => client.asked.length).toBe(1);
    await pass(300_000);
    expect(heard()).toEqual([]);
    answer({ kind: 'result', result: Buffer.from('{"action":"decline"}') });
    await pass(15_000);
    expect(heard().length).toBeGreaterThan(0);
  });

  it('while a question is open that the upstream takes back', async () => {
    const { client, heard, seen } = await waiting({ capabilities: { elicitation: {} } });
    client.reply = () => new Promise<Answer>(() => {});
    seen.say(
      '{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}',
    );
    await expect.poll(() => client.asked.length).toBe(1);
    seen.say('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
    await pass(15_000);
    expect(heard().length).toBeGreaterThan(0);
  });
});

describe('the wheel', () => {
  it('is one timer however many calls there are, and none when there are none', async () => {
    const corridor = await open({ up: new ScriptedUpstream() });
    const exchange = corridor.client().exchange();
    // What starting up left behind.
    await pass(5_000);
    const before = vi.getTimerCount();
    const heartbeats = new Heartbeats(() => 1_000);
    let end: () => void = () => {};
    const work = new Promise<void>((resolve) => (end = resolve));
    const settings = { exchange, token: Buffer.from('1'), subject: 'up:work', permitted: () => true };
    const calls = Array.from({ length: 100 }, () => heartbeats.during(new CallProgress(settings), work));
    expect(vi.getTimerCount()).toBe(before + 1);
    expect(heartbeats.size).toBe(100);
    end();
    await Promise.all(calls);
    expect(heartbeats.size).toBe(0);
    await pass(1_000);
    expect(vi.getTimerCount()).toBe(before);
  });
});
