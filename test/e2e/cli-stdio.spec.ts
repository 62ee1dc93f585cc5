import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Answers } from '../support/client.js';
import { type AnyClient, dataOf, GENERATIONS, textOf } from '../support/clients.js';
import { listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { freePort, ROOT } from '../support/processes.js';
import { type HttpServer, http, startRich } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const BIN = join(ROOT, 'bin/mcp-gateway.js');
const cleanup = new Cleanup();
const world = new Cleanup();
let rich: HttpServer;
let gateway: SpawnedGateway;

beforeAll(async () => {
  rich = world.add(await startRich());
  gateway = world.add(await spawnGateway({ servers: [http('web', rich.url)] }));
  await listed(gateway, 'web');
});
afterEach(() => cleanup.close());
afterAll(() => world.close());

const bridge = (url: string, ...flags: string[]) => ({
  command: process.execPath,
  args: [BIN, 'stdio', '--url', url, ...flags],
  stderr: 'pipe' as const,
});

/** The bridge in the hands of a test: lines in, lines out. */
function raw(url: string, env: Record<string, string> = {}, ...flags: string[]) {
  const child = spawn(process.execPath, [BIN, 'stdio', '--url', url, ...flags], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  cleanup.run(() => child.kill('SIGKILL'));
  const seen = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    seen.err += text;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const send = (message: object | string) =>
    child.stdin.write(`${typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const messages = () =>
    seen.out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const answer = (id: number | null) =>
    until(`an answer to ${id}`, () => messages().find((one) => one['id'] === id && !('method' in one)));
  return { child, seen, ended, send, messages, answer };
}

const initialize = (id: number) => ({
  id,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
});

describe.each(Object.entries(GENERATIONS))('the stdio bridge, %s', (_name, generation) => {
  const connect = async (answers?: Answers): Promise<AnyClient> =>
    cleanup.add(await generation.connect('', answers, bridge(gateway.mcp())));

  it('lists, calls and reads', async () => {
    const client = await connect();
    expect(await client.names('tools')).toContain('web:echo');
    expect(textOf(await client.call('web:echo', { message: 'hi\n→ there' }))).toBe('hi\n→ there');
    const [uri = ''] = await client.names('resources');
    expect(await client.read(uri)).toMatchObject({ contents: [expect.anything()] });
  });

  it('asks the user and the model of the client', async () => {
    const client = await connect({
      elicit: () => ({ action: 'accept', content: { answer: 'forty-two' } }),
      sample: () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'Hi' } }),
    });
    expect(dataOf(await client.call('web:ask'))).toMatchObject({ content: { answer: 'forty-two' } });
    expect(dataOf(await client.call('web:sample', { numbers: false }))).toMatchObject({ content: { text: 'Hi' } });
  });

  it('cancels at the server what the client cancels, and goes on', async () => {
    const client = await connect();
    const label = `cancelled-${generation.era}-${Math.random()}`;
    const status = async () => dataOf(await client.call('web:status'));
    const cancel = new AbortController();
    const call = client.call('web:slow', { label }, { signal: cancel.signal });
    const failed = expect(call).rejects.toThrow();
    await until('it runs', async () => ((await status())['running'] as string[]).includes(label));
    cancel.abort('enough');
    await failed;
    await until('the server knows', async () => ((await status())['cancelled'] as string[]).includes(label));
  });

  it('tells of lists and resources that change', async () => {
    const [actor, witness] = [await connect(), await connect()];
    await witness.watch(['web+memo://notes/1']);
    const told = (method: string) => witness.told.count((one) => one.method === `notifications/${method}`);
    const name = `added_${Math.random()}`;
    await actor.call('web:change', { kind: 'tools', name, present: true });
    await until('it is told of the list', () => told('tools/list_changed') > 0);
    await until('the list shows it', async () => (await witness.names('tools')).includes(`web:${name}`));
    await until('it is told of the resource', async () => {
      await actor.call('web:touch', { uri: 'memo://notes/1' });
      return told('resources/updated') > 0;
    });
    await actor.call('web:change', { kind: 'tools', name, present: false });
  });
});

describe('the stdio bridge', () => {
  it('writes nothing but messages, and ends with the client, at once and for good', async () => {
    const one = raw(gateway.mcp());
    one.send(initialize(1));
    await one.answer(1);
    one.send({ method: 'notifications/initialized' });
    one.send({ id: 2, method: 'tools/call', params: { name: 'web:slow', arguments: { label: 'left' } } });
    one.send({ id: 3, method: 'tools/call', params: { name: 'web:echo', arguments: { message: 'x' } } });
    expect(await one.answer(3)).toMatchObject({ result: { content: [{ text: 'x' }] } });
    one.child.stdin.end();
    expect(await one.ended).toBe(0);
    expect(one.messages().map(({ id }) => id)).toEqual([1, 3]);
    expect(one.seen.err).toBe('');
  });

  it('keeps the order of what it passes on: progress first, then the result', async () => {
    const one = raw(gateway.mcp());
    one.send(initialize(1));
    await one.answer(1);
    one.send({ method: 'notifications/initialized' });
    const params = { name: 'web:progress', arguments: { steps: 3 }, _meta: { progressToken: 'p' } };
    one.send({ id: 2, method: 'tools/call', params });
    await one.answer(2);
    const told = one
      .messages()
      .slice(1)
      .map(({ id, params }) => id ?? (params as { progress?: number }).progress);
    expect(told).toEqual([1, 2, 3, 2]);
  });

  it('survives a restart of the gateway: a new session, and word that lists may have changed', async () => {
    const port = await freePort();
    const servers = [http('web', rich.url)];
    const first = await spawnGateway({ servers }, { port });
    await listed(first, 'web');
    const one = raw(first.mcp());
    one.send(initialize(1));
    await one.answer(1);
    one.send({ method: 'notifications/initialized' });
    await first.close();
    one.send({ id: 2, method: 'tools/list' });
    expect(await one.answer(2)).toMatchObject({
      error: { code: -32603, message: expect.stringContaining('nothing answers at') },
    });
    expect(one.seen.err).toMatch(/^mcp-gateway stdio: nothing answers at .*is the gateway running\?/);
    const second = cleanup.add(await spawnGateway({ servers }, { port }));
    await listed(second, 'web');
    await until('it is told', () => one.messages().some(({ method }) => method === 'notifications/tools/list_changed'));
    one.send({ id: 3, method: 'tools/call', params: { name: 'web:echo', arguments: { message: 'again' } } });
    expect(await one.answer(3)).toMatchObject({ result: { content: [{ text: 'again' }] } });
  });

  it('says once on stderr that nothing answers, and answers every request', async () => {
    const one = raw(`http://127.0.0.1:${await freePort()}/mcp`);
    one.send(initialize(1));
    one.send({ id: 2, method: 'ping' });
    expect(await one.answer(1)).toMatchObject({ error: { message: expect.stringContaining('nothing answers at') } });
    await one.answer(2);
    expect(one.seen.err.trim().split('\n')).toHaveLength(1);
    one.child.stdin.end();
    expect(await one.ended).toBe(0);
  });

  it('answers a line that is no message, and passes on what the gateway says of one', async () => {
    const one = raw(gateway.mcp());
    one.send('this is no JSON');
    expect(await one.answer(null)).toMatchObject({ error: { code: -32700 } });
    one.send({ id: 7, method: 'tools/list' });
    expect(await one.answer(7)).toMatchObject({ error: { message: expect.stringMatching(/session/i) } });
    expect(one.seen.err).toBe('');
  });

  it('brings the token, from a variable too, and says what to do without one', async () => {
    const api_keys = [{ name: 'me', key: 'the-secret-key-of-this-test-0123456789', claims: {} }];
    const guarded = cleanup.add(await spawnGateway({ servers: [], sections: { api_keys } }));
    const stranger = raw(guarded.mcp());
    stranger.send(initialize(1));
    expect(await stranger.answer(1)).toMatchObject({
      error: { message: expect.stringMatching(/refuses this caller .*set MCP_GATEWAY_TOKEN/) },
    });
    await until('it is said', () => /HTTP 401/.test(stranger.seen.err));
    const expired = raw(guarded.mcp(), { MCP_GATEWAY_TOKEN: 'no-key-of-this-gateway' });
    expired.send(initialize(1));
    expect(await expired.answer(1)).toMatchObject({ error: { message: expect.stringMatching(/the token in use is/) } });
    const known = raw(guarded.mcp(), { MY_KEY: 'the-secret-key-of-this-test-0123456789' }, '--token-env', 'MY_KEY');
    known.send(initialize(1));
    expect(await known.answer(1)).toHaveProperty('result');
    const unset = raw(guarded.mcp(), {}, '--token-env', 'MY_KEY');
    expect(await unset.ended).toBe(1);
    expect(unset.seen).toMatchObject({ out: '', err: expect.stringContaining('MY_KEY') });
  });
});
