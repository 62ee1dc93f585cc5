import { afterEach, describe, expect, it } from 'vitest';
import { listed, spawnGateway } from '../support/gateway.js';
import { descendants, isAlive } from '../support/processes.js';
import { http, RawSession } from '../support/raw.js';
import { RICH, stdio } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.close());

const upstream = (connection = {}) => ({ ...stdio('a', RICH, [], connection), protocol: 'legacy' });
const ASKED = { capabilities: { elicitation: {} } };

describe('the children of a gateway', () => {
  it('are shown to the operator, and bounded by proxy.max_children, which its refusals name and its metrics count', async () => {
    const gateway = cleanup.add(await spawnGateway({ servers: [upstream()], proxy: { max_children: 1 } }));
    await listed(gateway, 'a');
    const plain = await RawSession.open(gateway.mcp());
    const asked = await RawSession.open(gateway.mcp(), ASKED);
    const call = { name: 'a:echo', arguments: { message: 'x' } };
    expect(await plain.request('tools/call', call)).toMatchObject({ result: { content: [{ text: 'x' }] } });
    const refused = await asked.request('tools/call', call);
    expect(refused).toMatchObject({
      error: { message: expect.stringContaining('proxy.max_children'), data: { code: 'UPSTREAM_BUSY', limit: 1 } },
    });
    const metrics = (await http(`${gateway.url}/metrics`, { method: 'GET' })).text;
    expect(metrics).toMatch(/mcp_gateway_limits_reached\{limit="proxy\.max_children",rule=""\} [1-9]/);
    expect(metrics).toContain('mcp_gateway_upstream_children{proxy="a"} 1\n');

    const report = (await http(`${gateway.url}/ready?verbose`, { method: 'GET' })).text;
    const [, pid] = /"pid":(\d+)/.exec(report) ?? [];
    expect(descendants(gateway.pid)).toContain(Number(pid));
    expect(report).toMatch(/"rss":[1-9]\d{6,}/);
  });

  it('are all stopped when nobody uses them and the operator wants that, and come back with the next call', async () => {
    const connection = { idle: '500ms', idle_service: true };
    const gateway = cleanup.add(await spawnGateway({ servers: [upstream(connection)] }));
    await listed(gateway, 'a');
    const session = await RawSession.open(gateway.mcp(), ASKED);
    const call = { name: 'a:echo', arguments: { message: 'x' } };
    await session.request('tools/call', call);
    await until('no process is left, not even the one that watches', () => descendants(gateway.pid).length === 0);
    await listed(gateway, 'a');
    expect(await session.request('tools/call', call)).toMatchObject({ result: { content: [{ text: 'x' }] } });
    const pids = descendants(gateway.pid);
    expect(pids.length).toBeGreaterThanOrEqual(2);
    gateway.child.kill('SIGKILL');
    await until('all are gone', () => pids.every((pid) => !isAlive(pid)));
  });
});
