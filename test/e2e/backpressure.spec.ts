import { type IncomingMessage, request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { callTool, modernBody, modernHeaders } from '../support/modern.js';
import { residentBytes } from '../support/processes.js';
import { RawSession, http as raw, sseData } from '../support/raw.js';
import { TORRENT_CHILD, Torrent } from '../support/torrent.js';
import { http } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const MIB = 1024 * 1024;
/** What the kernel keeps on the way of one answer, on both hops, and what the gateway may keep of it. */
const ON_THE_WAY = 24 * MIB;
const FLOOD = 64 * MIB;
/** What the process may grow by meanwhile: far less than what it lets pass, with garbage that is not collected yet. */
const GROWTH = 48 * MIB;
const SHARED_FLOOD = 192 * MIB;

const cleanup = new Cleanup();
afterEach(() => cleanup.close());

interface World {
  readonly gateway: SpawnedGateway;
  readonly torrent: Torrent;
}

async function start(limits: object = {}, connection: object = {}): Promise<World> {
  const torrent = cleanup.add(await Torrent.start());
  const child = {
    name: 'child',
    type: 'stdio',
    connection: { command: process.execPath, args: ['-e', TORRENT_CHILD] },
  };
  const servers = [http('web', torrent.url, connection), child];
  const gateway = cleanup.add(await spawnGateway({ server: { limits }, servers }));
  await listed(gateway, 'web');
  await listed(gateway, 'child');
  return { gateway, torrent };
}

interface Reader {
  readonly response: IncomingMessage;
  /** Reads what there is to read, to the end. */
  rest(): Promise<string>;
}

/** Calls a tool as a client of either era, and reads no more than the head of the answer. */
async function callUnread(gateway: SpawnedGateway, era: string, name: string, size: number): Promise<Reader> {
  const meta = { progressToken: 'mine' };
  const params = { name, arguments: { size } };
  const session = era === 'legacy' ? await RawSession.open(gateway.mcp()) : undefined;
  const body = session
    ? JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...params, _meta: meta } })
    : modernBody('tools/call', params, { meta });
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(session?.headers ?? modernHeaders('tools/call', params)),
  };
  const outgoing = request(gateway.mcp(), { method: 'POST', headers, agent: false });
  outgoing.on('error', () => {});
  cleanup.run(() => outgoing.destroy());
  const response = await new Promise<IncomingMessage>((resolve) => outgoing.once('response', resolve).end(body));
  response.on('error', () => {});
  return {
    response,
    rest: async () => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      return text;
    },
  };
}

interface Message {
  readonly method?: string;
  readonly params?: { readonly progress?: number };
  readonly result?: { readonly said?: number };
  readonly error?: { readonly message: string; readonly data?: { code?: string; key?: string } };
}

const messagesOf = (text: string) => sseData(text).map((data) => JSON.parse(data) as Message);

async function others(gateway: SpawnedGateway, tool: string): Promise<void> {
  for (let call = 0; call < 20; call++) {
    const reply = await callTool(gateway.mcp(), tool);
    expect(reply.status, reply.text).toBe(200);
    expect(reply.result, reply.text).toBeDefined();
  }
}

/** Bytes that the gateway says it holds. */
async function held(gateway: SpawnedGateway): Promise<number> {
  return Number(/^mcp_gateway_bytes_in_flight (\d+)$/m.exec(await metrics(gateway))?.[1]);
}

async function metrics(gateway: SpawnedGateway): Promise<string> {
  return (await raw(`${gateway.url}/metrics`, { method: 'GET' })).text;
}

describe.each(['legacy', 'modern'])('a %s client that does not read', (era) => {
  it('has a fast upstream wait, loses nothing, and keeps nobody else waiting', async () => {
    const { gateway, torrent } = await start();
    const before = residentBytes(gateway.pid);
    const reader = await callUnread(gateway, era, 'web:flood', FLOOD);
    await until('the upstream has to wait', () => torrent.stalled === 1 && torrent.written > MIB);
    await others(gateway, 'web:echo');
    expect(torrent.stalled).toBe(1);
    expect(torrent.written).toBeLessThan(ON_THE_WAY);
    expect(residentBytes(gateway.pid) - before).toBeLessThan(GROWTH);
    const messages = messagesOf(await reader.rest());
    const said = messages.at(-1)?.result?.said ?? 0;
    expect(said).toBe(Math.ceil(FLOOD / 8_000));
    expect(messages.slice(0, -1).map(({ params }) => params?.progress)).toEqual(
      Array.from({ length: said }, (_, n) => n + 1),
    );
    expect(await metrics(gateway)).not.toContain('stream_buffer');
  });

  it('is given up after connection.timeout, by an error that names it, and so is the upstream', async () => {
    const { gateway, torrent } = await start({}, { timeout: '500ms' });
    const reader = await callUnread(gateway, era, 'web:flood', FLOOD);
    await until('the upstream is let go', () => torrent.cancelled === 1);
    expect(torrent.written).toBeLessThan(ON_THE_WAY);
    expect(messagesOf(await reader.rest()).at(-1)?.error).toMatchObject({
      message: expect.stringContaining('The client did not read what web says'),
      data: { code: 'CLIENT_TOO_SLOW', key: 'proxy.servers[].connection.timeout' },
    });
    expect(await metrics(gateway)).toContain('limit="proxy.servers[].connection.timeout"');
  });

  it('misses messages where a stream is everybody’s, never its answer, and holds up nobody', async () => {
    const { gateway } = await start({ stream_buffer: '256KiB' });
    const before = residentBytes(gateway.pid);
    const reader = await callUnread(gateway, era, 'child:flood', SHARED_FLOOD);
    await others(gateway, 'child:echo');
    await until('messages were left out', async () =>
      (await metrics(gateway)).includes('limit="server.limits.stream_buffer"'),
    );
    await others(gateway, 'child:echo');
    expect(residentBytes(gateway.pid) - before).toBeLessThan(SHARED_FLOOD / 2);
    const messages = messagesOf(await reader.rest());
    expect(messages.at(-1)?.result?.said).toBe(Math.ceil(SHARED_FLOOD / 8_000));
    expect(messages.length).toBeLessThan(SHARED_FLOOD / 8_000);
  });
});

describe('an upstream that does not read', () => {
  it('keeps the bodies of its own calls waiting, and nothing else', async () => {
    const { gateway, torrent } = await start({ body: '32MiB' }, { timeout: '2s' });
    // More than the kernel takes on the way.
    const big = 'x'.repeat(16 * MIB);
    const calls = Array.from({ length: 4 }, () => callTool(gateway.mcp(), 'web:echo', { big }));
    await until('all have begun', () => torrent.unread.length === 4);
    expect(await held(gateway)).toBeGreaterThan(4 * big.length);
    await others(gateway, 'web:echo');
    await others(gateway, 'child:echo');
    for (const reply of await Promise.all(calls)) {
      expect(reply.error, reply.text).toMatchObject({ data: { code: 'UPSTREAM_TIMEOUT' } });
    }
    for (const unread of torrent.unread) unread.on('error', () => {}).resume();
    await until('they were broken off', () => torrent.unread.every((unread) => unread.destroyed && !unread.complete));
    await until('nothing is held of them', async () => (await held(gateway)) === 0);
  });
});

describe('answers that nobody reads', () => {
  it('are kept up to server.limits.bytes_in_flight; then new requests are refused until they are read', async () => {
    const { gateway } = await start({ bytes_in_flight: '24MiB' });
    const readers: Reader[] = [];
    const refused = await until('new requests are refused', async () => {
      // The kernel takes some of each answer.
      if (readers.length < 12) readers.push(await callUnread(gateway, 'modern', 'web:big', 16 * MIB));
      const reply = await callTool(gateway.mcp(), 'web:echo');
      return reply.status === 503 ? reply : undefined;
    });
    expect(readers.length).toBeGreaterThan(1);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.error).toMatchObject({ data: { code: 'OVERLOADED', key: 'server.limits.bytes_in_flight' } });
    expect((await raw(`${gateway.url}/ready`, { method: 'GET' })).status).toBe(200);
    const answered = readers.filter(({ response }) => response.statusCode === 200);
    for (const { rest } of answered) expect((await rest()).length).toBeGreaterThan(16 * MIB);
    await until('they are taken again', async () => (await callTool(gateway.mcp(), 'web:echo')).status === 200);
    expect(await metrics(gateway)).toContain('limit="server.limits.bytes_in_flight"');
  });
});
