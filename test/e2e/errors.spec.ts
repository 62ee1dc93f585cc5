import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, dataOf, type Peer, textOf } from '../support/client.js';
import {
  type FileConfig,
  type Gateway,
  listed,
  type SpawnedGateway,
  spawnGateway,
  toolNames,
} from '../support/gateway.js';
import { LIE_NAMES, startLiar } from '../support/liar.js';
import { freePort, ROOT } from '../support/processes.js';
import { RawSession, http as raw } from '../support/raw.js';
import { http, RICH, startRich, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const TINY = join(ROOT, 'test/fixtures/tiny-server.mjs');
const QUICK = { retry: { initial: '100ms', max: '500ms', multiplier: 2 } };
const cleanup = new Cleanup();
afterEach(() => cleanup.close());

const start = async (config: FileConfig): Promise<SpawnedGateway> => cleanup.add(await spawnGateway(config));
const enter = async (gateway: Gateway, name?: string): Promise<Peer> => cleanup.add(await connect(gateway.mcp(name)));

/** The error a call ends with. */
async function failure(
  call: Promise<unknown>,
): Promise<{ code: number; message: string; data: Record<string, unknown> }> {
  return call.then(
    (result) => {
      throw new Error(`no error but ${JSON.stringify(result)}`);
    },
    (error) => error,
  );
}

describe('an upstream that never worked', () => {
  it.each([
    ['whose command is missing', { name: 'bad', type: 'stdio', connection: { command: '/no/such/program' } }],
    ['that exits at once', stdio('bad', '-e', ['console.error("bad: no licence"); process.exit(3)'])],
    ['that writes what is not MCP', stdio('bad', TINY, ['--babble'])],
    ['that never answers', stdio('bad', TINY, ['--mute'])],
    ['nobody listens for', http('bad', 'http://127.0.0.1:9/mcp')],
  ])('%s stands in nobody else’s way', async (_what, bad) => {
    const gateway = await start({ servers: [bad, stdio('good', TINY)], proxy: QUICK });
    await listed(gateway, 'good');
    const peer = await enter(gateway);
    expect((await peer.tools()).map(({ name }) => name)).toEqual(['good:echo']);
    expect(textOf(await peer.call('good:echo', { message: 'fine' }))).toBe('fine');
    const alone = await enter(gateway, 'bad');
    expect((await failure(alone.call('anything'))).code).toBeLessThan(0);
    expect((await raw(`${gateway.url}/live`, { method: 'GET' })).status).toBe(200);
    expect((await raw(`${gateway.url}/ready`, { method: 'GET' })).status).toBe(200);
  });

  it('fails readiness when it is required', async () => {
    const bad = { ...http('bad', 'http://127.0.0.1:9/mcp'), required: true };
    const gateway = await start({ servers: [bad, stdio('good', TINY)] });
    await listed(gateway, 'good');
    expect((await raw(`${gateway.url}/ready`, { method: 'GET' })).status).toBe(503);
    expect((await raw(`${gateway.url}/live`, { method: 'GET' })).status).toBe(200);
  });
});

describe('a stdio upstream', () => {
  it('that crashes in a call: the error names it and shows its last words, and the next call works', async () => {
    const gateway = await start({ servers: [stdio('shaky', RICH), stdio('good', TINY)], proxy: QUICK });
    await listed(gateway, 'shaky', 'good');
    const peer = await enter(gateway);
    const before = dataOf(await peer.call('shaky:status'))['pid'];
    const error = await failure(peer.call('shaky:crash', { lines: ['boom: out of fuel', 'second line'] }));
    expect(error.code).toBe(-32603);
    expect(error.message).toContain('shaky');
    expect(`${error.message} ${JSON.stringify(error.data)}`).toContain('boom: out of fuel');
    expect(error.data).toMatchObject({ server: 'shaky', requestId: expect.any(String) });
    const after = await until('it is back', async () => dataOf(await peer.call('shaky:status'))['pid']);
    expect(after).not.toBe(before);
    expect(textOf(await peer.call('good:echo', { message: 'never down' }))).toBe('never down');
  });

  it('that cannot come back: its tools stay listed and say why they fail', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mcp-gateway-fragile-'));
    cleanup.run(() => rmSync(directory, { recursive: true, force: true }));
    const program = join(directory, 'fragile.mjs');
    writeFileSync(program, `import ${JSON.stringify(RICH)};\n`);
    const gateway = await start({ servers: [stdio('fragile', program)], proxy: QUICK });
    await listed(gateway, 'fragile');
    const peer = await enter(gateway);
    unlinkSync(program);
    await failure(peer.call('fragile:crash'));
    const error = await until('the call fails for the new reason', async () => {
      const seen = await failure(peer.call('fragile:echo', { message: 'x' }));
      return `${seen.message} ${JSON.stringify(seen.data)}`.includes('Cannot find module') ? seen : undefined;
    });
    expect(error.code).toBe(-32603);
    expect(error.message).toContain('fragile');
    expect((await peer.tools()).map(({ name }) => name)).toContain('fragile:echo');
  });

  it('gets only the environment the file gives it', async () => {
    const local = stdio('local', RICH, [], { env: { GIVEN: 'yes' } });
    const gateway = await start({ servers: [local] });
    await listed(gateway, 'local');
    const peer = await enter(gateway);
    const env = dataOf(await peer.call('local:status'))['env'] as string[];
    expect(env.filter((name) => !['PATH', 'HOME', 'GIVEN'].includes(name))).toEqual([]);
    expect(env).toContain('GIVEN');
  });
});

describe('a slow upstream', () => {
  let gateway: Gateway;
  const servers = new Cleanup();
  beforeAll(async () => {
    const rich = servers.add(await startRich());
    const hurried = { timeout: '700ms' };
    const list = [http('web', rich.url, hurried), stdio('local', RICH, [], hurried)];
    gateway = servers.add(await spawnGateway({ servers: list }));
    await listed(gateway, 'web', 'local');
  });
  afterAll(() => servers.close());

  it.each(['web', 'local'])('is given up after its timeout, told so, and named (%s)', async (server) => {
    const peer = await enter(gateway);
    const label = `late-${server}`;
    const error = await failure(peer.call(`${server}:slow`, { label }));
    expect(error).toMatchObject({ code: -32603, data: { code: 'UPSTREAM_TIMEOUT', server } });
    expect(error.message).toContain(server);
    await until('the tool was cancelled', async () => {
      const status = dataOf(await peer.call(`${server}:status`));
      return (status['cancelled'] as string[]).includes(label);
    });
  });

  it.each(['web', 'local'])('has all the time it wants while it reports progress (%s)', async (server) => {
    const peer = await enter(gateway);
    const call = { name: `${server}:progress`, arguments: { steps: 6, pauseMs: 250 } };
    const result = await peer.client.callTool(call, undefined, { onprogress: () => undefined });
    expect(result.isError).not.toBe(true);
  });

  it('may wait for the user as long as the user takes', async () => {
    const peer = cleanup.add(
      await connect(gateway.mcp(), {
        elicit: async () => {
          await new Promise((resolve) => setTimeout(resolve, 1_500));
          return { action: 'accept', content: { answer: 'at last' } };
        },
      }),
    );
    expect(textOf(await peer.call('web:ask'))).toContain('at last');
  });
});

describe('an HTTP upstream that lies', () => {
  it('gets an error with its name for each lie, and is believed again afterwards', async () => {
    const liar = cleanup.add(await startLiar());
    const gateway = await start({ servers: [http('liar', liar.url, { timeout: '2s' })], proxy: QUICK });
    await listed(gateway, 'liar');
    const peer = await enter(gateway);
    for (const lie of LIE_NAMES) {
      const error = await failure(peer.call(`liar:${lie}`));
      expect([lie, error.code, error.data?.['server']]).toEqual([lie, -32603, 'liar']);
      expect(error.message).toContain('liar');
      expect(await until('an honest call', async () => textOf(await peer.call('liar:honest')))).toBe('honestly');
    }
  });
});

describe('an HTTP upstream', () => {
  it('that forgot its sessions is asked anew without anybody noticing', async () => {
    const rich = cleanup.add(await startRich());
    const gateway = await start({ servers: [http('web', rich.url)] });
    await listed(gateway, 'web');
    const peer = await enter(gateway);
    await peer.call('web:echo', { message: 'first' });
    const forget = () => fetch(rich.url.replace('/mcp', '/sessions'), { method: 'DELETE' });
    await forget();
    expect(textOf(await peer.call('web:echo', { message: 'second' }))).toBe('second');
    // again, maybe before everything is as it was
    await forget();
    await until('it works', async () => textOf(await peer.call('web:echo', { message: 'third' })) === 'third');
  });

  it('that restarted works again', async () => {
    const port = String(await freePort());
    const first = await startRich('--port', port);
    const gateway = await start({ servers: [http('web', first.url)], proxy: QUICK });
    await listed(gateway, 'web');
    const peer = await enter(gateway);
    await peer.call('web:echo', { message: 'x' });
    await first.close();
    const error = await failure(peer.call('web:echo', { message: 'x' }));
    expect(error).toMatchObject({ code: -32603, data: { server: 'web' } });
    cleanup.add(await startRich('--port', port));
    expect(await until('it works', async () => textOf(await peer.call('web:echo', { message: 'back' })))).toBe('back');
  });

  it('whose answer is larger than allowed is cut off, and the gateway goes on', async () => {
    const rich = cleanup.add(await startRich());
    const limits = { response: '1MiB', event: '1MiB' };
    const gateway = await start({ servers: [http('web', rich.url, { limits }), stdio('local', RICH, [], { limits })] });
    await listed(gateway, 'web', 'local');
    const session = cleanup.add(await RawSession.open(gateway.mcp()));
    for (const server of ['web', 'local']) {
      const call = { name: `${server}:fat`, arguments: { bytes: 2 * 1024 * 1024 } };
      const { error } = await session.request('tools/call', call);
      expect(error).toMatchObject({ code: -32603, data: { code: 'UPSTREAM_TOO_LARGE', server } });
      const small = { name: `${server}:echo`, arguments: { message: 'small' } };
      await until('small answers pass', async () => (await session.request('tools/call', small)).result);
    }
    expect(await toolNames(session)).toContain('web:echo');
  });
});
