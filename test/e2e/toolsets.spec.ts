import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type AnyClient, GENERATIONS, textOf } from '../support/clients.js';
import { listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { ROOT, startProcess } from '../support/processes.js';
import { http } from '../support/raw.js';
import { RecordingUpstream } from '../support/recording-upstream.js';
import { http as byHttp } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const page = readFileSync(join(ROOT, 'docs/toolsets.md'), 'utf8');
const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
const offers = new Map(
  [...page.matchAll(/^\| `\/mcp(?:\/(\w+))?` \| (.*) \|$/gm)].map(([, name, tools = '']) => [
    name,
    [...tools.matchAll(/`([^`]+)`/g)].map(([, tool]) => tool),
  ]),
);

/** Runs a command to its end; what it wrote. */
async function run(args: readonly string[]): Promise<string> {
  const command = clients.add(startProcess([join(ROOT, 'bin/mcp-gateway.js'), ...args]));
  await until(`${args[0]} ends`, () => command.child.exitCode !== null);
  return command.output();
}

const servers = new Cleanup();
const clients = new Cleanup();
let gateway: SpawnedGateway;

beforeAll(async () => {
  gateway = servers.add(await spawnGateway({ servers: [] }));
  const given = parse(readFileSync(gateway.file, 'utf8')) as object;
  gateway.rewriteText(stringify({ ...given, ...parse(example), audit: { to: 'audit.jsonl' } }));
  await listed(gateway, 'shop', 'notes');
});
afterEach(() => clients.close());
afterAll(() => servers.close());

describe.each(Object.entries(GENERATIONS))('the worked example of docs/toolsets.md, %s', (_, generation) => {
  const connect = async (endpoint?: string): Promise<AnyClient> =>
    clients.add(await generation.connect(gateway.mcp(endpoint)));

  it('offers at each endpoint what the page says', async () => {
    expect([...offers.keys()]).toEqual([undefined, 'shop', 'desk']);
    for (const [endpoint, tools] of offers) {
      expect(await (await connect(endpoint)).names('tools')).toEqual(tools);
    }
  });

  it('runs the real tool under the given name and under the canonical one', async () => {
    for (const [endpoint, name] of [
      ['desk', 'shop:total_price'],
      ['desk', 'shop:add'],
      ['shop', 'total_price'],
      ['shop', 'add'],
      [undefined, 'shop:total_price'],
    ] as const) {
      expect(textOf(await (await connect(endpoint)).call(name, { a: 2, b: 3 }))).toBe('2 + 3 = 5');
    }
  });

  it('knows nothing at the toolset that it leaves out', async () => {
    const desk = await connect('desk');
    for (const name of ['notes:add', 'shop:echo', 'shop:fail', 'shop:nothing']) {
      await expect(desk.call(name, { a: 1, b: 1 })).rejects.toThrow(`Unknown tool: ${name}`);
    }
  });
});

describe('what the gateway says of an overridden tool', () => {
  it('are its own names in metrics and audit, with the shown one beside it', async () => {
    const client = clients.add(await GENERATIONS['SDK v1']!.connect(gateway.mcp('desk')));
    await client.call('shop:total_price', { a: 20, b: 22 });
    const line = await until('the audit has the call', () =>
      readFileSync(join(dirname(gateway.file), 'audit.jsonl'), 'utf8')
        .split('\n')
        .filter((text) => text.includes('total_price'))
        .at(-1),
    );
    expect(JSON.parse(line)).toMatchObject({ object: 'shop:add', exposed: 'shop:total_price', outcome: 'result' });
    const metrics = await http(`${gateway.url}/metrics`, { method: 'GET' });
    expect(metrics.text).toContain('mcp_gateway_tools_called{tool="add",proxy="shop"}');
    expect(metrics.text).not.toContain('total_price');
  });

  it('is the given description in the list', async () => {
    const listing = await run(['tools', '--url', gateway.mcp('desk'), '--json']);
    expect(listing).toContain('Adds the prices a and b of two articles and returns their total.');
    expect(listing).not.toContain('Adds two numbers');
  });

  it('answers the command of the page', async () => {
    const [, command = ''] = /^npx mcp-gateway (call .*)$/m.exec(page) ?? [];
    const args = command.replace('http://127.0.0.1:8082', gateway.url).split(' ');
    expect(await run(args)).toContain('2 + 3 = 5');
  });
});

describe.each(['legacy', 'modern'] as const)('an overridden tool of a %s server', (era) => {
  let upstream: RecordingUpstream;
  let between: SpawnedGateway;
  beforeAll(async () => {
    upstream = servers.add(await RecordingUpstream.start({ era }));
    const overrides = { read: { name: 'look' }, delete: { name: 'tidy_up' } };
    const entry = { ...byHttp('up', upstream.url), tools: { exclude: ['write'], overrides } };
    between = servers.add(
      await spawnGateway({
        servers: [entry],
        proxy: { toolsets: { desk: { include: ['up:read', 'up:delete'] } } },
        sections: { auth: { deny: ['up:delete'] } },
      }),
    );
    await listed(between, 'up');
  });

  describe.each(Object.entries(GENERATIONS))('for %s', (_, generation) => {
    it('is called by its own name there, whatever the client said', async () => {
      for (const [endpoint, name] of [
        [undefined, 'up:look'],
        ['up', 'look'],
        ['desk', 'up:look'],
        ['desk', 'up:read'],
      ] as const) {
        upstream.journal.forget();
        const client = clients.add(await generation.connect(between.mcp(endpoint)));
        expect(textOf(await client.call(name))).toBe('read was called');
        const [arrived] = upstream.journal.work;
        expect(arrived?.rpc.params?.['name']).toBe('read');
        if (era === 'modern') expect(arrived?.headers['mcp-name']).toBe('read');
      }
    });

    it('is kept from callers by rules about its own name', async () => {
      upstream.journal.forget();
      for (const [endpoint, shown] of [
        [undefined, 'up:tidy_up'],
        ['up', 'tidy_up'],
        ['desk', 'up:tidy_up'],
      ] as const) {
        const client = clients.add(await generation.connect(between.mcp(endpoint)));
        expect(await client.names('tools')).not.toContain(shown);
        await expect(client.call(shown)).rejects.toThrow(`Unknown tool: ${shown}`);
        await expect(client.call('up:delete')).rejects.toThrow('Unknown tool: up:delete');
      }
      expect(upstream.journal.deeds).toEqual([]);
    });
  });
});
