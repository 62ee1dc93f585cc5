import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, dataOf, type Peer, textOf } from '../support/client.js';
import { listed, spawnGateway } from '../support/gateway.js';
import { descendants, isAlive, ROOT } from '../support/processes.js';
import { RICH, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const TINY = join(ROOT, 'test/fixtures/tiny-server.mjs');
const cleanup = new Cleanup();
afterEach(() => cleanup.close());

const names = async (peer: Peer) => (await peer.tools()).map(({ name }) => name);
const changes = (peer: Peer) => peer.notifications.count(({ method }) => method === 'notifications/tools/list_changed');

describe.each([
  ['written in place', false],
  ['swapped behind a symbolic link', true],
])('a configuration file %s', (_how, mounted) => {
  it('adds and removes upstreams under open sessions, and leaves the others alone', async () => {
    const kept = stdio('kept', RICH);
    const gateway = cleanup.add(await spawnGateway({ servers: [kept] }, { mounted }));
    await listed(gateway, 'kept');
    const peer = cleanup.add(await connect(gateway.mcp()));
    const pid = dataOf(await peer.call('kept:status'))['pid'];

    gateway.rewrite({ servers: [kept, stdio('added', TINY)] });
    await until('the client is told', () => changes(peer) > 0);
    await until('the new tool is listed', async () => (await names(peer)).includes('added:echo'));
    expect(textOf(await peer.call('added:echo', { message: 'new' }))).toBe('new');
    expect(dataOf(await peer.call('kept:status'))['pid']).toBe(pid);

    const before = changes(peer);
    gateway.rewrite({ servers: [kept] });
    await until('the client is told again', () => changes(peer) > before);
    await until('the tool is gone', async () => !(await names(peer)).includes('added:echo'));
    await expect(peer.call('added:echo', { message: 'x' })).rejects.toMatchObject({ code: -32602 });
    expect(dataOf(await peer.call('kept:status'))['pid']).toBe(pid);
  });
});

describe('a configuration file', () => {
  it('with mistakes changes nothing, and says so', async () => {
    const gateway = cleanup.add(await spawnGateway({ servers: [stdio('kept', TINY)] }));
    await listed(gateway, 'kept');
    const peer = cleanup.add(await connect(gateway.mcp()));
    gateway.rewriteText('proxy:\n  servres: []\n');
    await until('the mistake is reported', () => /servres/.test(gateway.output()));
    expect(textOf(await peer.call('kept:echo', { message: 'still' }))).toBe('still');
    gateway.rewrite({ servers: [stdio('kept', TINY), stdio('later', TINY)] });
    await until('a good file is taken', async () => (await names(peer)).includes('later:echo'));
  });

  it('that changes one upstream restarts that one', async () => {
    const gateway = cleanup.add(await spawnGateway({ servers: [stdio('a', RICH), stdio('b', RICH)] }));
    await listed(gateway, 'a', 'b');
    const peer = cleanup.add(await connect(gateway.mcp()));
    const pid = async (server: string) => Number(dataOf(await peer.call(`${server}:status`))['pid']);
    const [a, b] = [await pid('a'), await pid('b')];
    gateway.rewrite({ servers: [stdio('a', RICH), stdio('b', RICH, ['--many', '3'])] });
    await until('the change is listed', async () => (await names(peer)).includes('b:generated_2'));
    expect(await pid('a')).toBe(a);
    expect(await pid('b')).not.toBe(b);
    await until('the old child is gone', () => !isAlive(b));
  });
});

describe('the end of the gateway', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('by %s takes every child along', async (signal) => {
    const gateway = cleanup.add(await spawnGateway({ servers: [stdio('a', RICH), stdio('b', TINY)] }));
    await listed(gateway, 'a', 'b');
    const peer = await connect(gateway.mcp());
    cleanup.run(() => peer.client.close());
    await peer.call('a:echo', { message: 'x' });
    const children = descendants(gateway.pid);
    expect(children.length).toBeGreaterThanOrEqual(2);
    gateway.child.kill(signal);
    await until('the gateway is gone', () => !isAlive(gateway.pid));
    await until('its children are gone', () => children.every((pid) => !isAlive(pid)));
  });
});
