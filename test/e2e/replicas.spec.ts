import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { listed, type SpawnedGateway, spawnGateway, toolNames } from '../support/gateway.js';
import { RawSession } from '../support/raw.js';
import { listen } from '../support/stream.js';
import { type HttpServer, http, RICH, startRich, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const servers = new Cleanup();
const cleanup = new Cleanup();
let rich: HttpServer;
let a: SpawnedGateway;
let b: SpawnedGateway;
let stranger: SpawnedGateway;

/** Two processes with one key, and one with another. */
beforeAll(async () => {
  rich = servers.add(await startRich());
  const list = [{ ...http('free', rich.url), state: 'none' }, http('web', rich.url), stdio('local', RICH)];
  const start = (session_key: string) => spawnGateway({ server: { session_key }, servers: list });
  const key = randomBytes(32).toString('base64');
  [a, b, stranger] = await Promise.all([start(key), start(key), start(randomBytes(32).toString('base64'))]);
  for (const gateway of [a, b, stranger]) {
    servers.add(gateway);
    await listed(gateway, 'free', 'web', 'local');
  }
});
afterEach(() => cleanup.close());
afterAll(() => servers.close());

describe('a session made at one process', () => {
  it('lists, reads and calls at another with the same key', async () => {
    const session = cleanup.add(await RawSession.open(a.mcp()));
    const other = session.at(b.mcp());
    expect(await toolNames(other)).toEqual(await toolNames(session));
    for (const server of ['free', 'local']) {
      const call = { name: `${server}:echo`, arguments: { message: server } };
      expect((await other.request('tools/call', call)).result).toEqual({ content: [{ type: 'text', text: server }] });
    }
    const read = await other.request('resources/read', { uri: 'free+memo://notes/1' });
    expect(read.result).toMatchObject({ contents: [{ text: 'content of memo://notes/1' }] });
  });

  it('hears at another what changed in the lists', async () => {
    const session = cleanup.add(await RawSession.open(a.mcp()));
    const { messages } = await listen(session.at(b.mcp()), cleanup);
    const change = (present: boolean) => ({ kind: 'tools', name: 'heard', present });
    await session.request('tools/call', { name: 'web:change', arguments: change(true) });
    await messages.first('list_changed', ({ method }) => method === 'notifications/tools/list_changed');
    await until('the tool is listed', async () => (await toolNames(session.at(b.mcp()))).includes('web:heard'));
    await session.request('tools/call', { name: 'web:change', arguments: change(false) });
  });

  it('is told at once what only the first process can do', async () => {
    const session = cleanup.add(await RawSession.open(a.mcp()));
    const other = session.at(b.mcp());
    for (const [method, params] of [
      ['resources/subscribe', { uri: 'web+memo://notes/1' }],
      ['logging/setLevel', { level: 'error' }],
    ] as const) {
      expect((await session.request(method, params)).result).toEqual({});
      const { error } = await other.request(method, params);
      expect([method, error?.code, error?.data?.['code']]).toEqual([method, -32603, 'REPLICA_STATE']);
    }
    // the upstream keeps state per session, and a second session there would know nothing of it
    const call = { name: 'web:echo', arguments: { message: 'x' } };
    expect((await other.request('tools/call', call)).error?.data).toMatchObject({
      code: 'REPLICA_STATE',
      server: 'web',
    });
  });

  it('is unknown at one with another key', async () => {
    const session = cleanup.add(await RawSession.open(a.mcp()));
    const body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
    expect((await session.at(stranger.mcp()).post(body)).status).toBe(404);
  });
});
