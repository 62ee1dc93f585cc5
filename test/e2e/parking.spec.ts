import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { Inspector } from '../support/inspector.js';
import { callTool, type ModernReply } from '../support/modern.js';
import { descendants, openFiles, untilOutput } from '../support/processes.js';
import { http as raw } from '../support/raw.js';
import { http, RICH, startRich, startRichModern, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const MIB = 1024 * 1024;
const ASKS = { capabilities: { elicitation: { form: {}, url: {} }, sampling: {} } };
const cleanup = new Cleanup();
afterEach(() => cleanup.close());

interface Waiting {
  readonly requestState: string;
  readonly key: string;
}

/** Calls a tool that asks, and returns what the client needs to go on. */
async function asked(url: string, name: string, params: Record<string, unknown> = {}): Promise<Waiting> {
  const reply = await callTool(url, name, params, ASKS);
  expect(reply.result, reply.text).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) });
  const { requestState, inputRequests } = reply.result as { requestState: string; inputRequests: object };
  return { requestState, key: Object.keys(inputRequests)[0] ?? '' };
}

async function answer(
  url: string,
  name: string,
  { requestState, key }: Waiting,
  params: Record<string, unknown> = {},
): Promise<ModernReply> {
  const inputResponses = { [key]: { action: 'accept', content: { answer: 'late' } } };
  return callTool(url, name, { requestState, inputResponses, ...params }, ASKS);
}

/** What a fixture remembers. */
async function status(url: string): Promise<{ calls: Record<string, number>; asking: number }> {
  const { result, text } = await callTool(url, 'status', {}, ASKS);
  const content = (result?.['content'] ?? []) as { text: string }[];
  if (!content[0]) throw new Error(text);
  return JSON.parse(content[0].text);
}

/** How many calls wait for their clients. */
async function parked(gateway: Gateway): Promise<number> {
  const { text } = await raw(`${gateway.url}/metrics`, { method: 'GET' });
  return Number(/^mcp_gateway_parked_calls (\d+)$/m.exec(text)?.[1]);
}

describe('calls whose clients never come back', () => {
  interface Holdings {
    readonly children: number;
    readonly files: number;
    readonly resources: Readonly<Record<string, number>>;
  }

  async function holdings(gateway: SpawnedGateway, inspector: Inspector): Promise<Holdings> {
    const { TickObject: _tick, Immediate: _immediate, ...resources } = await inspector.resources();
    return { children: descendants(gateway.pid).length, files: openFiles(gateway.pid), resources };
  }

  async function atRest(gateway: SpawnedGateway, inspector: Inspector): Promise<Holdings> {
    let last = '';
    let equal = 0;
    return until('it comes to rest', async () => {
      const now = await holdings(gateway, inspector);
      equal = JSON.stringify(now) === last ? equal + 1 : 0;
      last = JSON.stringify(now);
      return equal >= 10 ? now : undefined;
    });
  }

  it.each(['web', 'local'])(
    'expire, and leave nothing behind (%s)',
    async (name) => {
      const rich = cleanup.add(await startRich());
      const limits = { ask: '1s', parked_calls: 200, parked_per_principal: 200 };
      const servers = [http('web', rich.url), stdio('local', RICH, [], { pool: 4 })];
      const gateway = cleanup.add(
        await spawnGateway(
          { server: { limits }, proxy: { heartbeat: { enabled: false } }, servers },
          { node: ['--inspect=127.0.0.1:0'] },
        ),
      );
      await listed(gateway, 'web', 'local');
      const url = gateway.mcp(name);
      const inspector = cleanup.add(await Inspector.attach(gateway));
      const atOnce = name === 'web' ? 10 : 2; // each parked call owns a child of a stdio upstream

      const round = async (count: number) => {
        for (let done = 0; done < count; done += atOnce) {
          await Promise.all(Array.from({ length: atOnce }, () => asked(url, 'ask')));
          expect(await parked(gateway)).toBeGreaterThan(0);
          await until('all of them expired', async () => (await parked(gateway)) === 0);
        }
      };

      await round(10);
      const before = await atRest(gateway, inspector);
      const early = await inspector.heap();
      await round(90);
      // Fewer may be left: connections to upstreams that stood open before are closed when they are idle.
      await until('it holds no more than it held before', async () => {
        const { children, files, resources } = await holdings(gateway, inspector);
        expect(children).toBeLessThanOrEqual(before.children);
        expect(files).toBeLessThanOrEqual(before.files);
        for (const [kind, count] of Object.entries(resources)) {
          expect(count, kind).toBeLessThanOrEqual(before.resources[kind] ?? 0);
        }
        return true;
      });
      expect(((await inspector.heap()) - early) / MIB).toBeLessThan(3);
    },
    240_000,
  );
});

describe('the state a client carries', () => {
  const servers = new Cleanup();
  let gateway: Gateway;
  beforeAll(async () => {
    const [legacy, modern] = [servers.add(await startRich()), servers.add(await startRichModern('--era', 'modern'))];
    const limits = { ask: '3s', parked_per_principal: 100 };
    gateway = servers.add(
      await spawnGateway({ server: { limits }, servers: [http('legacy', legacy.url), http('modern', modern.url)] }),
    );
    await listed(gateway, 'legacy', 'modern');
  });
  afterAll(() => servers.close());

  /** The same for a call that is parked and for one whose state belongs to the upstream. */
  const KINDS = [
    { server: 'legacy', tool: 'ask', other: 'ask_url', args: { message: 'one' } },
    { server: 'modern', tool: 'ask_twice', other: 'ask_twice_too', args: { tag: 'one' } },
  ];

  describe.each(KINDS)('over a $server upstream', ({ server, tool, other, args }) => {
    const url = () => gateway.mcp(server);
    const begin = () => asked(url(), tool, { arguments: args });

    /** Refused, and no call of a tool reached the upstream meanwhile. */
    async function refused(retry: () => Promise<ModernReply>): Promise<void> {
      const before = (await status(url())).calls;
      const reply = await retry();
      expect(reply.error, reply.text).toMatchObject({ code: -32602 });
      const after = (await status(url())).calls;
      expect({ ...after, status: 0 }).toEqual({ ...before, status: 0 });
    }

    it('is good for the call it was given for', async () => {
      const reply = await answer(url(), tool, await begin(), { arguments: args });
      expect(reply.error, reply.text).toBeUndefined();
      expect(reply.result?.['resultType']).toBe(server === 'modern' ? 'input_required' : 'complete');
    });

    it('is refused on another tool', async () => {
      const waiting = await begin();
      await refused(() => answer(url(), other, waiting, { arguments: args }));
    });

    it('is refused with other arguments', async () => {
      const waiting = await begin();
      await refused(() => answer(url(), tool, waiting, { arguments: { message: 'two', tag: 'two' } }));
    });

    it('is refused at another upstream', async () => {
      const waiting = await begin();
      const elsewhere = gateway.mcp(server === 'legacy' ? 'modern' : 'legacy');
      const reply = await answer(elsewhere, tool, waiting, { arguments: args });
      expect(reply.error, reply.text).toMatchObject({ code: -32602 });
    });

    it('is refused when it was altered anywhere', async () => {
      const waiting = await begin();
      const { requestState } = waiting;
      for (const at of [0, Math.floor(requestState.length / 2), requestState.length - 2]) {
        const letter = requestState[at] === 'A' ? 'B' : 'A';
        const altered = `${requestState.slice(0, at)}${letter}${requestState.slice(at + 1)}`;
        await refused(() => answer(url(), tool, { ...waiting, requestState: altered }, { arguments: args }));
      }
      await refused(() => answer(url(), tool, { ...waiting, requestState: '' }, { arguments: args }));
    });

    it.runIf(server === 'legacy')('is refused after its time', async () => {
      const waiting = await begin();
      await until('nobody waits any more', async () => (await status(url())).asking === 0);
      await refused(() => answer(url(), tool, waiting, { arguments: args }));
    });
  });

  it('is refused after its time, when it belongs to a modern upstream', async () => {
    const day = `const now = Date.now; let later = 0; Date.now = () => now() + later;
      process.on('SIGUSR2', () => { later = 86_400_000; console.log('tomorrow'); });`;
    const server = cleanup.add(await startRichModern('--era', 'modern'));
    const node = ['--import', `data:text/javascript,${encodeURIComponent(day)}`];
    const gateway = cleanup.add(await spawnGateway({ servers: [http('modern', server.url)] }, { node }));
    await listed(gateway, 'modern');
    const url = gateway.mcp('modern');
    const waiting = await asked(url, 'ask_twice');
    expect((await answer(url, 'ask_twice', waiting)).result).toMatchObject({ resultType: 'input_required' });
    process.kill(gateway.pid, 'SIGUSR2');
    await untilOutput(gateway, /tomorrow/);
    const before = (await status(url)).calls['ask_twice'];
    expect((await answer(url, 'ask_twice', waiting)).error).toMatchObject({ code: -32602 });
    expect((await status(url)).calls['ask_twice']).toBe(before);
  });

  it('is refused for the second of two retries of a parked call', async () => {
    const url = gateway.mcp('legacy');
    const waiting = await asked(url, 'ask', { arguments: {} });
    const replies = await Promise.all([1, 2].map(() => answer(url, 'ask', waiting)));
    const good = replies.filter(({ result }) => result?.['resultType'] === 'complete');
    expect(good.length, replies.map(({ text }) => text).join('\n')).toBeGreaterThan(0);
    expect((await status(url)).asking).toBe(0);
  });
});

describe('when calls cannot be parked', () => {
  it('says so at once where parking is off', async () => {
    const rich = cleanup.add(await startRich());
    const gateway = cleanup.add(await spawnGateway({ proxy: { parking: 'off' }, servers: [http('web', rich.url)] }));
    await listed(gateway, 'web');
    const reply = await callTool(gateway.mcp('web'), 'ask', {}, ASKS);
    expect(reply.text).toMatch(/park/i);
    await until('the server was told', async () => (await status(gateway.mcp('web'))).asking === 0);
  });

  it('says so at once where too many are', async () => {
    const rich = cleanup.add(await startRich());
    const limits = { parked_per_principal: 2 };
    const gateway = cleanup.add(await spawnGateway({ server: { limits }, servers: [http('web', rich.url)] }));
    await listed(gateway, 'web');
    const url = gateway.mcp('web');
    const [first] = await Promise.all([asked(url, 'ask'), asked(url, 'ask')]);
    const reply = await callTool(url, 'ask', {}, ASKS);
    expect(reply.result?.['resultType'], reply.text).not.toBe('input_required');
    expect(reply.text).toMatch(/park/i);
    if (first) expect((await answer(url, 'ask', first)).result).toMatchObject({ resultType: 'complete' });
    await asked(url, 'ask');
  });
});
