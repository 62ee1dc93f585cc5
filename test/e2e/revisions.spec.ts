import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, textOf } from '../support/client.js';
import { type Gateway, listed, spawnGateway } from '../support/gateway.js';
import { ROOT } from '../support/processes.js';
import { RawSession } from '../support/raw.js';
import { http, startRich, stdio } from '../support/upstreams.js';
import { Cleanup } from '../support/wait.js';

const TINY = join(ROOT, 'test/fixtures/tiny-server.mjs');
const servers = new Cleanup();
const cleanup = new Cleanup();
let gateway: Gateway;

beforeAll(async () => {
  const rich = servers.add(await startRich());
  const old = stdio('old', TINY, ['--revision', '2024-11-05']);
  const entries = [
    http('web', rich.url),
    old,
    { ...http('other', rich.url), prefix: 'alias', tools: { include: ['e*', 'f*'], exclude: ['fat'] } },
  ];
  const toolsets = { pair: { include: ['web:echo', 'old:*'] } };
  gateway = servers.add(await spawnGateway({ servers: entries, proxy: { toolsets } }));
  await listed(gateway, 'web', 'old', 'alias');
});
afterEach(() => cleanup.close());
afterAll(() => servers.close());

async function blocks(version: string): Promise<{ type: string }[]> {
  const session = cleanup.add(await RawSession.open(gateway.mcp('web'), { version }));
  const { result } = await session.request('tools/call', { name: 'ornate' });
  return result?.['content'] as { type: string }[];
}

describe('a client of an older revision', () => {
  it('gets content its revision knows', async () => {
    const latest = (await blocks('2025-11-25')).map(({ type }) => type);
    expect(latest).toEqual(['text', 'image', 'audio', 'resource_link', 'resource', 'resource', 'vendor_block']);
    const middle = (await blocks('2025-03-26')).map(({ type }) => type);
    expect(middle).toContain('audio');
    expect(middle).not.toContain('resource_link');
    const first = (await blocks('2024-11-05')).map(({ type }) => type);
    expect(first).not.toContain('audio');
    expect(first).not.toContain('resource_link');
  });

  it('reads of a page to visit in a result, since it does not know the error', async () => {
    const session = cleanup.add(await RawSession.open(gateway.mcp('web'), { version: '2025-06-18' }));
    const { result } = await session.request('tools/call', { name: 'needs_url' });
    expect(result).toMatchObject({ isError: true });
    expect(JSON.stringify(result)).toContain('https://example.com/c');
  });
});

describe('an upstream of an older revision', () => {
  it('limits nobody: the client still speaks the latest', async () => {
    const session = cleanup.add(await RawSession.open(gateway.mcp('old')));
    expect(session.version).toBe('2025-11-25');
    const { result } = await session.request('tools/call', { name: 'echo', arguments: { message: 'old' } });
    expect(result).toEqual({ content: [{ type: 'text', text: 'old' }] });
  });
});

describe('what an upstream shows', () => {
  it('follows its prefix and its include and exclude patterns, in lists and in calls', async () => {
    const peer = cleanup.add(await connect(gateway.mcp()));
    const names = (await peer.tools()).map(({ name }) => name).filter((name) => name.startsWith('alias:'));
    expect(names).toEqual(['alias:echo', 'alias:fail']);
    expect(textOf(await peer.call('alias:echo', { message: 'a' }))).toBe('a');
    expect(textOf(await peer.call('other:echo', { message: 'b' }))).toBe('b');
    await expect(peer.call('alias:fat', { bytes: 1 })).rejects.toMatchObject({ code: -32602 });
    const single = cleanup.add(await connect(gateway.mcp('other')));
    await expect(single.call('fat', { bytes: 1 })).rejects.toMatchObject({ code: -32602 });
  });

  it('may be picked from several servers under a name of its own', async () => {
    const peer = cleanup.add(await connect(gateway.mcp('pair')));
    expect((await peer.tools()).map(({ name }) => name)).toEqual(['web:echo', 'old:echo']);
    expect(textOf(await peer.call('old:echo', { message: 'c' }))).toBe('c');
    await expect(peer.call('web:inspect')).rejects.toMatchObject({ code: -32602 });
  });
});
