import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, dataOf } from '../support/client.js';
import { GENERATIONS, textOf } from '../support/clients.js';
import { listed, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { callTool } from '../support/modern.js';
import { descendants, endsWith, freePort, isAlive } from '../support/processes.js';
import { RawSession, http as raw } from '../support/raw.js';
import { listen, listenModern, post } from '../support/stream.js';
import { http, RICH, type ServerEntry, startRich, stdio } from '../support/upstreams.js';
import { Cleanup, Inbox, until } from '../support/wait.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.close());

const KEY = 'a key that all processes of this test have';
const LONG = { drain: '10m', timeout: '10m' };

interface Given {
  readonly port?: number;
  readonly more?: readonly ServerEntry[];
}

async function start(shutdown: object, { port, more = [] }: Given = {}): Promise<SpawnedGateway> {
  const servers = [stdio('local', RICH), ...more];
  const config = { server: { session_key: KEY, shutdown }, servers };
  const gateway = cleanup.add(await spawnGateway(config, port === undefined ? {} : { port }));
  await listed(gateway, ...servers.map(({ name }) => name));
  return gateway;
}

/** Sends the signal until it has had its effect: a second one counts only a while after the first. */
async function insist({ child }: SpawnedGateway, signal: NodeJS.Signals): Promise<number | null> {
  await until('it ends', () => {
    if (child.exitCode === null) child.kill(signal);
    return child.exitCode !== null;
  });
  return child.exitCode;
}

const ready = async (gateway: SpawnedGateway) => (await raw(`${gateway.url}/ready`, { method: 'GET' })).status;
const ends = async ({ child }: SpawnedGateway) => {
  if (child.exitCode === null) await once(child, 'exit');
  return child.exitCode;
};

describe('after SIGTERM', () => {
  it('a gateway is not ready, and serves everything during the drain', async () => {
    const gateway = await start(LONG);
    const before = await RawSession.open(gateway.mcp());
    const { messages, ended } = await listen(before, cleanup);
    gateway.child.kill('SIGTERM');
    await until('it is not ready', async () => (await ready(gateway)) === 503);
    for (const session of [before, await RawSession.open(gateway.mcp())]) {
      const reply = await session.request('tools/call', { name: 'local:echo', arguments: { message: 'x' } });
      expect([reply.result, reply.headers['connection']]).toEqual([
        { content: [{ type: 'text', text: 'x' }] },
        'close',
      ]);
    }
    const modern = await callTool(gateway.mcp(), 'local:echo', { arguments: { message: 'y' } });
    expect(modern.result).toMatchObject({ content: [{ text: 'y' }] });
    const change = { kind: 'tools', name: 'late', present: true };
    await before.request('tools/call', { name: 'local:change', arguments: change });
    await messages.first('the change', ({ method }) => method === 'notifications/tools/list_changed');
    const children = descendants(gateway.pid);
    expect(children.length).toBeGreaterThan(0);
    expect(await insist(gateway, 'SIGTERM')).toBe(130);
    await ended;
    await until('no child is left', () => children.every((pid) => !isAlive(pid)));
  });

  it('streams end, each in its way, running calls finish, and the process with its children ends well', async () => {
    const rich = cleanup.add(await startRich());
    const direct = cleanup.add(await RawSession.open(rich.url));
    const gateway = await start({ drain: 0, timeout: '10m' }, { more: [http('web', rich.url)] });
    const session = await RawSession.open(gateway.mcp());
    const standing = await listen(session, cleanup);
    const listening = await listenModern(gateway.mcp(), { toolsListChanged: true }, {}, cleanup);
    await listening.messages.first('the acknowledgement');
    const stopping = new Inbox<true>();
    const elicit = async () => {
      await stopping.first('the signal');
      return { action: 'accept' as const, content: { answer: 'in time' } };
    };
    const peer = await connect(gateway.mcp(), { elicit });
    cleanup.run(() => peer.client.close());
    const answer = peer.call('web:ask');
    await until('it asks', async () => (await asking(direct)) === 1);
    gateway.child.kill('SIGTERM');
    const end = endsWith(gateway);
    await Promise.all([standing.ended, listening.ended]);
    expect(standing.messages.items).toEqual([]);
    expect(listening.messages.items.at(-1)).toMatchObject({ id: 1, result: { resultType: 'complete' } });
    // The answer comes on a connection that was not there before.
    stopping.push(true);
    expect(dataOf(await answer)).toMatchObject({ content: { answer: 'in time' } });
    expect(await end).toMatchObject({ code: 0, left: [] });
  });

  it('children are asked to end before they are made to', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mcp-gateway-stopping-'));
    cleanup.run(() => rmSync(directory, { recursive: true, force: true }));
    const farewell = join(directory, 'farewell');
    const polite = join(directory, 'polite.mjs');
    writeFileSync(
      polite,
      `import { appendFileSync } from 'node:fs';
       process.stdin.once('end', () => appendFileSync(${JSON.stringify(farewell)}, 'end of stdin '));
       process.on('exit', () => appendFileSync(${JSON.stringify(farewell)}, 'exit '));
       await import(${JSON.stringify(RICH)});`,
    );
    const gateway = await start({ drain: 0, timeout: '10m' }, { more: [stdio('polite', polite)] });
    rmSync(farewell, { force: true });
    gateway.child.kill('SIGTERM');
    expect(await endsWith(gateway)).toMatchObject({ code: 0, left: [] });
    expect(readFileSync(farewell, 'utf8')).toMatch(/^(?:end of stdin |exit )+$/);
    expect(readFileSync(farewell, 'utf8')).toContain('end of stdin');
  });

  it('what does not finish is told so', async () => {
    const gateway = await start({ drain: 0, timeout: '100ms' });
    const session = await RawSession.open(gateway.mcp());
    const running = session.request('tools/call', { name: 'local:slow', arguments: { label: 'long' } });
    await until('it runs', async () => (await status(session, 'local:status')).running.includes('long'));
    gateway.child.kill('SIGTERM');
    const { status: code, error } = await running;
    expect([code, error?.data?.['code']]).toEqual([503, 'SHUTTING_DOWN']);
    expect(await endsWith(gateway)).toMatchObject({ code: 0, left: [] });
  });

  it('a parked call ends, and its client is told so by the next process', async () => {
    const rich = cleanup.add(await startRich());
    const config = { server: { session_key: KEY, shutdown: LONG }, servers: [http('web', rich.url)] };
    const port = await freePort();
    const first = cleanup.add(await spawnGateway(config, { port }));
    await listed(first, 'web');
    const asks = { capabilities: { elicitation: { form: {} } } };
    const { result } = await callTool(first.mcp(), 'web:ask', {}, asks);
    expect(result).toMatchObject({ resultType: 'input_required' });
    const direct = cleanup.add(await RawSession.open(rich.url));
    expect(await asking(direct)).toBe(1);
    first.child.kill('SIGINT');
    expect(await ends(first)).toBe(0);
    // The server was told before the process ended: it does not wait for an answer that nobody will give.
    await until('it asks nobody any more', async () => (await asking(direct)) === 0);
    const second = cleanup.add(await spawnGateway(config, { port }));
    await listed(second, 'web');
    const { requestState, inputRequests } = result as { requestState: string; inputRequests: object };
    const inputResponses = { [Object.keys(inputRequests)[0] ?? '']: { action: 'decline' } };
    const retry = await callTool(second.mcp(), 'web:ask', { requestState, inputResponses }, asks);
    expect(retry.error).toMatchObject({ code: -32602, data: { code: 'STATE_LOST' } });
    await insist(second, 'SIGTERM');
  });
});

describe('a second signal', () => {
  it('ends the gateway at once, and no child outlives it', async () => {
    const gateway = await start({ drain: 0, timeout: '10m' });
    const session = await RawSession.open(gateway.mcp());
    const call = { id: 5, method: 'tools/call', params: { name: 'local:slow', arguments: { label: 'long' } } };
    post(session, call, cleanup).catch(() => undefined);
    await until('it runs', async () => (await status(session, 'local:status')).running.includes('long'));
    const children = descendants(gateway.pid);
    expect(children.length).toBeGreaterThan(0);
    gateway.child.kill('SIGTERM');
    expect(await insist(gateway, 'SIGINT')).toBe(130);
    await until('no child is left', () => children.every((pid) => !isAlive(pid)));
  });
});

describe.each(Object.keys(GENERATIONS))('a process restarted in place (%s)', (generation) => {
  it('is the same one to its clients, which lose what they sent while nobody listened', async () => {
    const port = await freePort();
    const config = {
      server: { session_key: KEY, shutdown: { drain: 0 } },
      servers: [{ ...stdio('local', RICH), required: true }],
    };
    const first = cleanup.add(await spawnGateway(config, { port }));
    await listed(first, 'local');
    const clients = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const client = await GENERATIONS[generation]?.connect(first.mcp());
        if (!client) throw new Error(`no ${generation}`);
        return cleanup.add(client);
      }),
    );
    let stop = false;
    let answered = 0;
    const failures: string[] = [];
    const load = clients.map(async (client, index) => {
      for (let count = 0; !stop; count++) {
        const message = `${index} ${count}`;
        await client.call('local:echo', { message }).then(
          (result) => {
            if (textOf(result) === message) answered++;
            else failures.push(`wrong: ${textOf(result)}`);
          },
          async (error) => {
            failures.push(failure(error));
            // Nobody is there: no use in asking as fast as one can.
            await until(
              'somebody is ready',
              async () => (await raw(`${first.url}/ready`, { method: 'GET' })).status === 200,
            );
          },
        );
      }
    });
    cleanup.run(() => {
      stop = true;
      return Promise.all(load);
    });
    await until('it is under load', () => answered > 100);
    first.child.kill('SIGTERM');
    expect(await ends(first)).toBe(0);
    const second = cleanup.add(
      await spawnGateway(
        { server: { session_key: KEY }, servers: [{ ...stdio('local', RICH), required: true }] },
        { port },
      ),
    );
    await listed(second, 'local');
    const before = answered;
    await until('all go on', () => answered > before + 100);
    stop = true;
    await Promise.all(load);
    // Refused before anything was done (reset: the connection had not been accepted when the listener closed), and nothing
    // else: no session is unknown.
    expect(failures.filter((what) => !['ECONNREFUSED', 'ECONNRESET', 'SHUTTING_DOWN'].includes(what))).toEqual([]);
  }, 60_000);
});

/** The gateway's code, or the network's. */
function failure(error: unknown): string {
  const { message, data, cause } = error as { message: string; data?: unknown; cause?: { code?: string } };
  return /"code\\*":\\*"([A-Z_]+)/.exec(`${message} ${JSON.stringify(data ?? {})}`)?.[1] ?? cause?.code ?? message;
}

interface Status {
  readonly running: readonly string[];
  readonly asking: number;
}

/** What the fixture remembers. */
async function status(session: RawSession, tool: string): Promise<Status> {
  const { result } = await session.request('tools/call', { name: tool, arguments: {} });
  return dataOf(result as never) as unknown as Status;
}

const asking = async (direct: RawSession): Promise<number> => (await status(direct, 'status')).asking;
