import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, dataOf, type Peer, textOf } from '../support/client.js';
import { type Gateway, listed, spawnGateway, toolNames } from '../support/gateway.js';
import { RawSession } from '../support/raw.js';
import { http, RICH, startRich, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const servers = new Cleanup();
const clients = new Cleanup();
let gateway: Gateway;
let dunder: Gateway;

beforeAll(async () => {
  const rich = servers.add(await startRich('--odd', '--name', 'odd'));
  const list = [http('odd', rich.url), stdio('plain', RICH, ['--name', 'plain'])];
  gateway = servers.add(await spawnGateway({ servers: list }));
  dunder = servers.add(
    await spawnGateway({
      servers: list,
      proxy: { naming: { separator: '__', max_length: 64 }, clients: { 'tiny-*': { separator: '-', max_length: 32 } } },
    }),
  );
  await listed(gateway, 'odd', 'plain');
  const session = await RawSession.open(dunder.mcp());
  await until('both are listed', async () => {
    const names = await toolNames(session);
    return names.includes('odd__echo') && names.includes('plain__echo');
  });
  await session.close();
});
afterEach(() => clients.close());
afterAll(() => servers.close());

const join = async (url: string, options?: ConnectOptions): Promise<Peer> => clients.add(await connect(url, options));
const names = async (peer: Peer) => (await peer.tools()).map((tool) => tool.name);

describe('names', () => {
  it('are server:tool in the aggregate and the own names at /mcp/<server>', async () => {
    expect(await names(await join(gateway.mcp()))).toEqual(expect.arrayContaining(['odd:echo', 'plain:echo']));
    const own = await names(await join(gateway.mcp('plain')));
    expect(own).toContain('echo');
    expect(own.some((name) => name.startsWith('plain'))).toBe(false);
  });

  it('keep the configured order of servers and the order of each server', async () => {
    const all = await names(await join(gateway.mcp()));
    const first = all.findIndex((name) => name.startsWith('plain:'));
    expect(all.slice(0, first).every((name) => name.startsWith('odd'))).toBe(true);
    expect(await names(await join(gateway.mcp()))).toEqual(all);
  });

  it('are spelled with the configured separator, while server:tool still works', async () => {
    const peer = await join(dunder.mcp());
    expect(await names(peer)).toContain('plain__echo');
    expect(textOf(await peer.call('plain__echo', { message: 'a' }))).toBe('a');
    expect(textOf(await peer.call('plain:echo', { message: 'b' }))).toBe('b');
  });

  it('are found by lookup: a name of the other server is not reached through this prefix', async () => {
    const peer = await join(gateway.mcp());
    await expect(peer.call('plain:fine')).rejects.toMatchObject({ code: -32602 });
    expect(textOf(await peer.call('odd:fine'))).toBe('fine called');
  });

  it('with a colon of their own reach their tool', async () => {
    const peer = await join(gateway.mcp());
    expect(textOf(await peer.call('odd:with:colon'))).toBe('with:colon called');
    const single = await join(gateway.mcp('odd'));
    expect(textOf(await single.call('with:colon'))).toBe('with:colon called');
  });

  it('too long or in letters clients refuse are shortened the same way every time, and callable', async () => {
    const peer = await join(dunder.mcp());
    const all = await names(peer);
    const odd = (await peer.tools()).filter((tool) => tool.description === 'long' || tool.description === 'characters');
    expect(odd).toHaveLength(2);
    for (const { name } of odd) {
      expect(name).toMatch(/^odd__[A-Za-z0-9_.-]+$/);
      expect(name.length).toBeLessThanOrEqual(64);
    }
    expect(textOf(await peer.call(odd[0]?.name ?? ''))).toContain('long_xxx');
    expect(textOf(await peer.call(odd[1]?.name ?? ''))).toBe('späße & more called');
    expect(await names(await join(dunder.mcp()))).toEqual(all);
  });

  it('are spelled for hosts that reject a colon, by the name the client gives', async () => {
    const claude = await join(gateway.mcp(), { name: 'claude-code' });
    const all = await names(claude);
    for (const name of all) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(all).toContain('plain__echo');
    expect(textOf(await claude.call('plain__echo', { message: 'c' }))).toBe('c');
    const tiny = await join(dunder.mcp(), { name: 'tiny-host' });
    for (const name of await names(tiny)) expect(name.length).toBeLessThanOrEqual(32);
    expect(await names(tiny)).toContain('plain-echo');
  });

  it('that nobody could call are left out, and only they', async () => {
    const tools = (await (await join(gateway.mcp('odd'))).tools()).filter(({ name }) => name !== undefined);
    const mine = tools.map((tool) => tool.name);
    expect(mine).toContain('fine');
    expect(mine).toContain('echo');
    expect(mine.filter((name) => name === 'twice')).toHaveLength(1);
    expect(tools.find((tool) => tool.name === 'twice')?.description).toBe('first');
    for (const gone of ['', 'schema-is-text', 'schema-is-missing', 'no object at all'])
      expect(mine).not.toContain(gone);
  });
});

describe('resource URIs', () => {
  it('carry the server, and are read and subscribed in that form', async () => {
    const peer = await join(gateway.mcp());
    const uris = (await peer.resources()).map(({ uri }) => uri);
    const expected = [
      'odd+memo://notes/1',
      'plain+memo://notes/1',
      'ui://plain+app/main',
      'plain+file:///srv/rich.txt',
    ];
    expect(uris).toEqual(expect.arrayContaining(expected));
    const { contents } = await peer.client.readResource({ uri: 'plain+memo://notes/1' });
    expect(contents).toMatchObject([{ uri: 'plain+memo://notes/1', text: 'content of memo://notes/1' }]);
  });

  it('in results carry the server too, in links and embedded resources', async () => {
    const peer = await join(gateway.mcp());
    const { messages } = await peer.client.getPrompt({ name: 'plain:greet', arguments: { who: 'x' } });
    expect(messages).toHaveLength(1);
    const session = clients.add(await RawSession.open(gateway.mcp()));
    const { result } = await session.request('tools/call', { name: 'plain:ornate' });
    const blocks = result?.['content'] as { type: string; uri?: string; resource?: { uri: string } }[];
    const uris = blocks.flatMap(({ uri, resource }) => [uri, resource?.uri]).filter((uri) => uri !== undefined);
    expect(uris).toEqual(['plain+memo://notes/1', 'plain+memo://notes/2', 'plain+memo://binary']);
  });

  it('go back to the own form in arguments for the same server, and stay as they are for another', async () => {
    const peer = await join(gateway.mcp());
    await peer.resources();
    const args = {
      uri: 'plain+memo://notes/1',
      deep: [{ uri: 'plain+memo://notes/2' }],
      text: 'see plain+memo://notes/1',
    };
    const own = dataOf(await peer.call('plain:inspect', args))['arguments'];
    expect(own).toEqual({ uri: 'memo://notes/1', deep: [{ uri: 'memo://notes/2' }], text: 'see plain+memo://notes/1' });
    expect(dataOf(await peer.call('odd:inspect', args))['arguments']).toEqual(args);
  });

  it('without a server are routed only when exactly one server has them', async () => {
    const peer = await join(gateway.mcp());
    await expect(peer.client.readResource({ uri: 'memo://notes/1' })).rejects.toMatchObject({ code: -32002 });
    const single = await join(gateway.mcp('plain'));
    expect((await single.client.readResource({ uri: 'memo://notes/1' })).contents).toHaveLength(1);
  });
});

describe('the handshake', () => {
  it('merges instructions under their servers and promises what any server can', async () => {
    const { client } = await join(gateway.mcp());
    const instructions = client.getInstructions() ?? '';
    expect(instructions).toContain('How to use odd: ask for echo.');
    expect(instructions).toContain('How to use plain: ask for echo.');
    expect(client.getServerCapabilities()).toMatchObject({
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
      logging: {},
    });
    expect(client.getServerCapabilities()).not.toHaveProperty('tasks');
  });

  it('shows the instructions of one server alone at its endpoint', async () => {
    const { client } = await join(gateway.mcp('plain'));
    expect(client.getInstructions()).toBe('How to use plain: ask for echo.');
  });
});

describe('a long list', () => {
  it('comes in pages, each item once, in the same order, and a foreign cursor is refused', async () => {
    const many = clients.add(await startRich('--many', '2500', '--page', '500'));
    const wide = clients.add(await spawnGateway({ servers: [http('many', many.url)] }));
    await listed(wide, 'many');
    const session = clients.add(await RawSession.open(wide.mcp()));
    const first = await session.request('tools/list', {});
    expect(first.result?.['nextCursor']).toEqual(expect.any(String));
    const all = await toolNames(session);
    expect(new Set(all).size).toBe(all.length);
    expect(all.filter((name) => /^many:generated_\d+$/.test(name))).toHaveLength(2500);
    expect(await toolNames(session)).toEqual(all);
    for (const cursor of ['nonsense', '']) {
      expect((await session.request('tools/list', { cursor })).error?.code).toBe(-32602);
    }
  });
});
