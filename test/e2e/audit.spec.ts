import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { caller, voice } from '../support/callers.js';
import { type FileConfig, listed, listedFor, type SpawnedGateway, spawnGateway } from '../support/gateway.js';
import { ROOT, startProcess } from '../support/processes.js';
import { http, initializeBody, RawSession } from '../support/raw.js';
import { RecordingUpstream } from '../support/recording-upstream.js';
import { http as entry } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.close());

const FORGED = '\n{"level":60,"msg":"forged"}\r\n\u001b[2J\u001b]0;forged\u0007\u0085\u2028\u202e';

type Line = Readonly<Record<string, unknown>>;

async function gatewayWith(config: FileConfig): Promise<SpawnedGateway> {
  return cleanup.add(await spawnGateway(config));
}

function audited(gateway: SpawnedGateway): Line[] {
  const text = readFileSync(join(dirname(gateway.file), 'audit.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

async function auditedAtLeast(gateway: SpawnedGateway, count: number): Promise<Line[]> {
  return until(`${count} lines of audit`, () => {
    const lines = audited(gateway);
    return lines.length >= count ? lines : undefined;
  });
}

const AUDIT = { audit: { to: 'audit.jsonl' } };

describe('the audit of a running gateway', () => {
  it('has who did what and who was kept from it, and the upstream got only the former', async () => {
    const upstream = cleanup.add(await RecordingUpstream.start());
    const [ann, bob] = [caller('ann', { groups: ['User'] }), caller('bob')];
    const gateway = await gatewayWith({
      servers: [entry('up', upstream.url)],
      sections: {
        ...AUDIT,
        api_keys: [ann.entry, bob.entry],
        auth: { claims: ['groups'], mappings: { 'groups:User': ['use'] }, permissions: { 'up:*': ['use'] } },
      },
    });
    await listedFor(ann.headers, gateway, 'up');
    upstream.journal.forget();
    await (await voice('legacy', gateway.mcp(), ann)).ask('tools/call', { name: 'up:read', arguments: { path: '/a' } });
    await (await voice('modern', gateway.mcp(), bob)).ask('tools/call', { name: 'up:read', arguments: { path: '/b' } });
    await http(gateway.mcp(), { headers: { authorization: 'Bearer nobody' }, body: initializeBody() });
    const lines = await auditedAtLeast(gateway, 3);
    expect(lines).toMatchObject([
      {
        event: 'call',
        who: { issuer: 'urn:mcp-gateway:api-key', subject: 'ann', key: expect.stringMatching(/^[\w-]{22}$/) },
        client: { name: 'raw-client' },
        remote_address: '127.0.0.1',
        endpoint: '/mcp',
        method: 'tools/call',
        server: 'up',
        object: 'up:read',
        decision: 'allow',
        rule: expect.stringContaining('up:*'),
        outcome: 'result',
        arguments: { keys: [{ name: 'path', bytes: 4 }] },
      },
      { event: 'denied', who: { subject: 'bob' }, object: 'up:read', decision: 'hide', outcome: 'refused' },
      { event: 'refused', method: 'POST', decision: 'unauthenticated', code: 'TOKEN_INVALID' },
    ]);
    expect(lines[2]).not.toHaveProperty('who');
    const calls = upstream.journal.arrivals.items.filter(({ rpc }) => rpc.method === 'tools/call');
    expect(calls.map(({ rpc }) => rpc.params?.['arguments'])).toEqual([{ path: '/a' }]);
    const { headers } = await http(gateway.mcp(), {
      body: initializeBody(),
      headers: { 'x-request-id': 'request-0001' },
    });
    const fourth = (await auditedAtLeast(gateway, 4))[3];
    expect([headers['x-request-id'], fourth?.['request_id']]).toEqual(['request-0001', 'request-0001']);
  });

  it('refuses to start where it cannot be written, and keeps the old file when a reload cannot', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-audit-'));
    cleanup.run(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'config.yaml'), 'server: { port: 0 }\naudit: { to: nowhere/audit.jsonl }\n');
    const bin = join(ROOT, 'bin/mcp-gateway.js');
    const refused = cleanup.add(startProcess([bin, 'serve', '--config', join(folder, 'config.yaml')]));
    expect((await once(refused.child, 'close'))[0]).toBe(1);
    expect(refused.output()).toMatch(
      /config\.yaml:2:14 {2}\$\.audit\.to: the audit file .*nowhere\/audit\.jsonl cannot be written: its folder does not exist/,
    );
    const gateway = await gatewayWith({ servers: [], sections: { ...AUDIT, log: { level: 'info' } } });
    gateway.rewrite({ servers: [], sections: { audit: { to: 'nowhere/audit.jsonl' }, log: { level: 'info' } } });
    await until('the log says why', () => gateway.output().includes('its folder does not exist'));
    const session = await RawSession.open(gateway.mcp());
    await session.request('tools/call', { name: 'nobody:has-it' });
    expect(await auditedAtLeast(gateway, 1)).toMatchObject([{ event: 'denied', object: 'nobody:has-it' }]);
  });
});

describe('what strangers write', () => {
  it('T044: session ids are in no health answer, metric, error or log, nor in the audit', async () => {
    const upstream = cleanup.add(await RecordingUpstream.start());
    const log = { level: 'trace' };
    const gateway = await gatewayWith({ servers: [entry('up', upstream.url)], sections: { ...AUDIT, log } });
    await listed(gateway, 'up');
    const session = await RawSession.open(gateway.mcp());
    await session.request('tools/call', { name: 'up:read' });
    await session.request('tools/call', { name: 'up:nothing' });
    const told: string[] = [];
    for (const path of ['/live', '/ready', '/health', '/metrics']) {
      told.push((await http(`${gateway.url}${path}`, { method: 'GET', headers: session.headers })).text);
    }
    for (const url of [gateway.mcp('up'), gateway.mcp('nobody'), gateway.mcp()]) {
      const headers = { ...session.headers, ...(url === gateway.mcp() && { 'mcp-session-id': `${session.id}x` }) };
      told.push((await http(url, { headers, body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' })).text);
    }
    await auditedAtLeast(gateway, 2);
    await gateway.close();
    const everything = [...told, gateway.output()].join('\n');
    expect(session.id.length).toBeGreaterThan(40);
    expect(everything).toContain('SESSION_NOT_FOUND');
    expect(everything).not.toContain(session.id);
    // The positive twin: the session itself worked.
    expect(upstream.journal.arrivals.items.filter(({ rpc }) => rpc.method === 'tools/call')).toHaveLength(1);
  });

  it.each(['json', 'text'])(
    'T150: names and errors with line breaks and terminal sequences make no line of their own (%s)',
    async (format) => {
      const upstream = cleanup.add(
        await RecordingUpstream.start({
          era: 'legacy',
          tools: ['read', 'fails'],
          intercept: ({ rpc }, response) => {
            if (rpc.method !== 'tools/call' || rpc.params?.['name'] !== 'fails') return false;
            response.writeHead(400, { 'content-type': 'text/plain' }).end(FORGED.repeat(3));
            return true;
          },
        }),
      );
      const log = { level: 'trace', format };
      const gateway = await gatewayWith({ servers: [entry('up', upstream.url)], sections: { ...AUDIT, log } });
      await listed(gateway, 'up');
      const session = await RawSession.open(gateway.mcp(), { name: `client${FORGED}` });
      const args = { [`key${FORGED}`]: FORGED };
      await session.request('tools/call', { name: 'up:read', arguments: args });
      await session.request('tools/call', { name: `up:${FORGED}`, arguments: args });
      await session.request('tools/call', { name: 'up:fails' });
      await session.request('prompts/get', { name: FORGED });
      await session.request('resources/read', { uri: `x:${FORGED}` });
      await http(`${gateway.url}/mcp/${encodeURIComponent(FORGED)}`, { body: initializeBody() });
      const lines = await auditedAtLeast(gateway, 5);
      expect(lines.slice(0, 3)).toMatchObject([
        {
          event: 'call',
          object: 'up:read',
          client: { name: `client${FORGED}` },
          arguments: { keys: [{ name: `key${FORGED}` }] },
        },
        { event: 'denied', object: `up:${FORGED}` },
        { event: 'call', object: 'up:fails', outcome: 'error' },
      ]);
      const raw = readFileSync(join(dirname(gateway.file), 'audit.jsonl'), 'utf8');
      await gateway.close();
      for (const text of [raw, gateway.output()]) {
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028]/u);
        for (const line of text.split('\n')) expect(line).not.toMatch(/^\s*\{"level":60,"msg":"forged"/);
      }
      if (format === 'json') for (const line of gateway.output().split('\n').filter(Boolean)) JSON.parse(line);
      expect(upstream.journal.arrivals.items.filter(({ rpc }) => rpc.method === 'tools/call')).toHaveLength(2);
    },
  );

  it('T146: a flood of bad requests fills neither the log nor the audit, and calls are recorded all the same', async () => {
    const upstream = cleanup.add(await RecordingUpstream.start());
    const ann = caller('ann');
    const gateway = await gatewayWith({
      servers: [entry('up', upstream.url)],
      sections: {
        ...AUDIT,
        api_keys: [ann.entry],
        auth: { permissions: { 'up:*': { public: true } } },
        log: { level: 'info' },
      },
    });
    await listedFor(ann.headers, gateway, 'up');
    const bad = { authorization: `Bearer ${'x'.repeat(4_000)}` };
    const body = initializeBody();
    for (let sent = 0; sent < 1_000; sent += 50) {
      await Promise.all(Array.from({ length: 50 }, () => http(gateway.mcp(), { headers: bad, body })));
    }
    const session = await RawSession.open(gateway.mcp(), { headers: ann.headers });
    const { result } = await session.request('tools/call', { name: 'up:read' });
    expect(result).toBeDefined();
    const counted = await http(`${gateway.url}/metrics`, { method: 'GET' });
    const lines = await until('the call is recorded', () => {
      const now = audited(gateway);
      return now.some(({ event }) => event === 'call') ? now : undefined;
    });
    expect(lines.filter(({ event }) => event === 'call')).toMatchObject([
      { who: { subject: 'ann' }, outcome: 'result' },
    ]);
    const refused = lines.filter(({ event }) => event === 'refused').length;
    expect(refused).toBeLessThanOrEqual(300);
    const ended = once(gateway.child, 'close');
    gateway.child.kill('SIGTERM');
    await ended;
    const all = audited(gateway);
    const omitted = all.reduce((sum, { omitted = 0 }) => sum + Number(omitted), 0);
    expect(refused + omitted).toBe(1_000);
    expect(counted.text).toMatch(/^mcp_gateway_audit_lines_lost 0$/m);
    expect(gateway.output().length).toBeLessThan(60_000);
  });

  it('T152: a defect is one constant sentence and a request id, without stack, path or configuration', async () => {
    const gateway = await gatewayWith({ servers: [], sections: { log: { level: 'error' } } });
    const plugin = join(dirname(gateway.file), 'defect.mjs');
    writeFileSync(plugin, DEFECT);
    const broken = await gatewayWith({
      servers: [{ name: 'up', type: 'defect', connection: {} }],
      sections: { ...AUDIT, plugins: [plugin] },
    });
    await listed(broken, 'up');
    const session = await RawSession.open(broken.mcp());
    const reply = await session.request('tools/call', { name: 'up:work' });
    expect(reply.error).toMatchObject({ code: -32603, data: { code: 'INTERNAL', requestId: expect.any(String) } });
    expect(reply.text).not.toMatch(/defect|node_modules|\.(?:m?js|ts)\b|\/(?:tmp|home|etc)|at \w+|TypeError/);
    expect(await auditedAtLeast(broken, 1)).toMatchObject([{ outcome: 'error', code: 'INTERNAL' }]);
    await until('the log has the cause', () => broken.output().includes('/etc/defect'));
    // The positive twin: what is no defect works.
    expect((await session.request('tools/call', { name: 'up:fine' })).result).toEqual({ content: [] });
  });
});

/** A transport whose `work` fails in a way nobody foresaw. */
const DEFECT = `
import { Module } from '@nestjs/common';
import { Extension, UpstreamTransport } from 'mcp-gateway/plugin';
const ANSWERS = {
  initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'd', version: '1' } },
  'tools/list': { tools: [{ name: 'work', inputSchema: { type: 'object' } }, { name: 'fine', inputSchema: { type: 'object' } }] },
};
class Defect extends UpstreamTransport {
  async connect() {
    return {
      attribution: 'request',
      sessionId: undefined,
      send({ id, method, body }, sink) {
        const call = JSON.parse(body.toString());
        if (call.params?.name === 'work') throw new TypeError('cannot read /etc/defect.json of undefined');
        const result = ANSWERS[method] ?? { content: [] };
        queueMicrotask(() => sink.onMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result }))));
        return { abandon() {} };
      },
      async post() {},
      setProtocolVersion() {},
      listen() {},
      status: () => ({}),
      async close() {},
    };
  }
}
Extension(UpstreamTransport, { name: 'defect', api: '1.0' })(Defect);
export default class DefectPlugin {}
Module({ providers: [Defect] })(DefectPlugin);
`;
