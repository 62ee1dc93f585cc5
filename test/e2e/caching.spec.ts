import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, listed, spawnGateway } from '../support/gateway.js';
import { callTool, type ModernReply, modern } from '../support/modern.js';
import { http, startRich, startRichModern } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const TTL = 60_000;
const cleanup = new Cleanup();
let gateway: Gateway;
beforeAll(async () => {
  const keeps = cleanup.add(await startRichModern('--era', 'modern', '--ttl', String(TTL)));
  const legacy = cleanup.add(await startRich());
  gateway = cleanup.add(await spawnGateway({ servers: [http('keeps', keeps.url), http('legacy', legacy.url)] }));
  await listed(gateway, 'keeps', 'legacy');
});
afterAll(() => cleanup.close());

const url = (name = 'keeps') => gateway.mcp(name);
const read = (uri: string, more: Record<string, unknown> = {}): Promise<ModernReply> =>
  modern(url(), 'resources/read', { uri, ...more });

/** How often the server itself was asked for a resource. */
async function asked(uri: string): Promise<number> {
  const { result } = await callTool(url(), 'status');
  const [block] = (result?.['content'] ?? []) as { text: string }[];
  return (JSON.parse(block?.text ?? '') as { calls: Record<string, number> }).calls[`read ${uri}`] ?? 0;
}

describe('what an upstream allows to keep', () => {
  it('serves what was read again without asking, with the time that remains', async () => {
    const uri = 'memo://notes/1';
    const [first, second] = [await read(uri), await read(uri)];
    expect(second.result?.['contents']).toEqual(first.result?.['contents']);
    for (const { result } of [first, second]) expect(result).toMatchObject({ cacheScope: 'public' });
    const [before, after] = [Number(first.result?.['ttlMs']), Number(second.result?.['ttlMs'])];
    expect(before).toBeLessThanOrEqual(TTL);
    expect(after).toBeLessThanOrEqual(before);
    expect(after).toBeGreaterThan(0);
    expect(await asked(uri)).toBe(1);
  });

  it('asks anew for a retry, and keeps nothing of it', async () => {
    const uri = 'memo://notes/2';
    for (let n = 0; n < 2; n++) expect((await read(uri, { inputResponses: {} })).result).toBeDefined();
    expect(await asked(uri)).toBe(2);
    await read(uri);
    expect(await asked(uri)).toBe(3);
  });

  it('asks anew after the server said that something changed', async () => {
    const uri = 'memo://notes/3';
    await read(uri);
    await read(uri);
    expect(await asked(uri)).toBe(1);
    const name = `memo://added/${Math.random()}`;
    await callTool(url(), 'change', { arguments: { kind: 'resources', name, present: true } });
    await until('it is asked again', async () => {
      await read(uri);
      return (await asked(uri)) > 1;
    });
  });

  it('says of lists for how long they are good, and promises nothing for a server that says nothing', async () => {
    const { result: alone } = await modern(url(), 'tools/list');
    expect(Number(alone?.['ttlMs'])).toBeGreaterThan(0);
    for (const path of [gateway.mcp('legacy'), gateway.mcp()]) {
      const { result } = await modern(path, 'tools/list');
      expect(result).toMatchObject({ ttlMs: expect.any(Number), cacheScope: expect.stringMatching(/public|private/) });
      expect(Number(result?.['ttlMs'])).toBeLessThanOrEqual(Number(alone?.['ttlMs']));
    }
  });
});
