import { afterEach, describe, expect, it } from 'vitest';
import { type AnyClient, GENERATIONS, textOf } from '../support/clients.js';
import { type FileConfig, type Gateway, listed, spawnGateway } from '../support/gateway.js';
import { freePort } from '../support/processes.js';
import { http, RICH, RICH_MODERN, startRich, startRichModern, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.close());

async function clientsOf(gateway: Gateway): Promise<AnyClient[]> {
  const clients = Object.values(GENERATIONS).map((generation) => generation.connect(gateway.mcp()));
  return (await Promise.all(clients)).map((client) => cleanup.add(client));
}

const KINDS = ['tools', 'prompts', 'resources', 'templates'] as const;
const servers = (names: readonly string[]) => new Set(names.map((name) => name.split(':')[0]));

/** Every list of every client, which must be the same. */
async function same(clients: readonly AnyClient[]): Promise<Record<(typeof KINDS)[number], string[]>> {
  const lists = await Promise.all(
    clients.map(async (client) =>
      Object.fromEntries(await Promise.all(KINDS.map(async (k) => [k, await client.names(k)]))),
    ),
  );
  for (const list of lists) expect(list).toEqual(lists[0]);
  return lists[0];
}

const FAST: FileConfig['proxy'] = { retry: { initial: '50ms', max: '200ms', multiplier: 2 } };

describe('two legacy and two modern upstreams', () => {
  it('show the same things to every client, and each can be called by each', async () => {
    const [legacy, modern] = [cleanup.add(await startRich()), cleanup.add(await startRichModern('--era', 'modern'))];
    const gateway = cleanup.add(
      await spawnGateway({
        proxy: FAST,
        servers: [
          http('old-web', legacy.url),
          stdio('old-local', RICH),
          http('new-web', modern.url),
          stdio('new-local', RICH_MODERN, ['--era', 'modern']),
        ],
      }),
    );
    await listed(gateway, 'old-web', 'old-local', 'new-web', 'new-local');
    const clients = await clientsOf(gateway);
    const { tools } = await same(clients);
    expect(servers(tools)).toEqual(new Set(['old-web', 'old-local', 'new-web', 'new-local']));
    for (const client of clients) {
      for (const server of servers(tools)) {
        expect(textOf(await client.call(`${server}:echo`, { message: `${server}` }))).toBe(server);
      }
    }
  });

  it('show the same things to every client when one of each was never there', async () => {
    const [legacy, modern] = [cleanup.add(await startRich()), cleanup.add(await startRichModern('--era', 'modern'))];
    const nowhere = `http://127.0.0.1:${await freePort()}/mcp`;
    const gateway = cleanup.add(
      await spawnGateway({
        proxy: FAST,
        servers: [
          http('old-up', legacy.url),
          { ...http('old-down', nowhere), protocol: 'legacy' },
          http('new-up', modern.url),
          { ...http('new-down', nowhere), protocol: 'modern' },
        ],
      }),
    );
    await listed(gateway, 'old-up', 'new-up');
    const clients = await clientsOf(gateway);
    const { tools } = await same(clients);
    expect(servers(tools)).toEqual(new Set(['old-up', 'new-up']));
    for (const client of clients) {
      for (const server of ['old-up', 'new-up']) {
        expect(textOf(await client.call(`${server}:echo`, { message: server }))).toBe(server);
      }
    }
  });

  it('show the same things to every client after one of each went down, and say so when it is called', async () => {
    const [oldUp, oldDown] = [cleanup.add(await startRich()), cleanup.add(await startRich())];
    const [newUp, newDown] = [
      cleanup.add(await startRichModern('--era', 'modern')),
      cleanup.add(await startRichModern('--era', 'modern')),
    ];
    const entries = { 'old-up': oldUp, 'old-down': oldDown, 'new-up': newUp, 'new-down': newDown };
    const gateway = cleanup.add(
      await spawnGateway({ proxy: FAST, servers: Object.entries(entries).map(([name, { url }]) => http(name, url)) }),
    );
    await listed(gateway, ...Object.keys(entries));
    const clients = await clientsOf(gateway);
    const before = await same(clients);
    await Promise.all([oldDown.close(), newDown.close()]);
    for (const client of clients) {
      for (const server of ['old-down', 'new-down']) {
        await until(`${server} is known to be down`, async () => {
          const answer = client.call(`${server}:echo`, { message: 'anybody?' });
          await expect(answer).rejects.toThrow(server);
          return true;
        });
      }
      for (const server of ['old-up', 'new-up']) {
        expect(textOf(await client.call(`${server}:echo`, { message: server }))).toBe(server);
      }
    }
    expect(await same(clients)).toEqual(before);
  });
});
