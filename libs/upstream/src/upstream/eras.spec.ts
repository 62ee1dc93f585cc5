import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EgressGuard } from '#libs/egress';
import { exchangeOf, jsonOf, RecordingSink, toolCall } from '../testing/callers.js';
import { LAB_SERVER, startHttpLab } from '../testing/lab-server.js';
import { MODERN_LAB, startModernLab } from '../testing/modern-lab.js';
import { listingEvery, proxyOf, RegistryBench, ScriptedTransport, serverOf } from '../testing/registries.js';
import { ScriptedConnection } from '../testing/scripted-connection.js';
import { StreamableHttpTransport } from '../transports/http/streamable-http.transport.js';
import { StdioTransport } from '../transports/stdio/stdio.transport.js';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function bench(transports = {}): RegistryBench {
  const made = new RegistryBench({
    stdio: new StdioTransport(),
    'streamable-http': new StreamableHttpTransport(new EgressGuard()),
    ...transports,
  });
  closers.push(() => made.registry.stop(0));
  return made;
}

async function modern(options: Parameters<typeof startModernLab>[0] = {}) {
  const lab = await startModernLab(options);
  closers.push(() => lab.close());
  return lab;
}

it('asks no longer for the era of a silent HTTP server than it may take to start, on new connections each time', async () => {
  const { url, seen } = await liar(() => {});
  const transport = new StreamableHttpTransport(new EgressGuard());
  const renew = vi.spyOn(transport, 'renew');
  const test = bench({ 'streamable-http': transport });
  test.apply(proxyOf([serverOf('web', 'streamable-http', { url, start_timeout: 300 })]));
  await test.state('web', 'unreachable');
  expect(test.upstream('web').status.reason).toContain('did not answer server/discover within 300 ms');
  expect(seen[0]).toBe('server/discover');
  expect(renew).toHaveBeenCalled();
});

type Answer = (
  message: { id: number; method: string; params?: Record<string, unknown> },
  response: ServerResponse,
) => void;

/** A server whose every answer is written by the test; `seen` are the methods it was asked. */
async function liar(answer: Answer): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    if (request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    const message = JSON.parse(Buffer.concat(parts).toString()) as Parameters<Answer>[0];
    seen.push(message.method);
    if (message.id === undefined) response.writeHead(202).end();
    else answer(message, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, seen };
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Answers like a legacy server that does its job. */
const legacyAnswer: Answer = ({ id, method }, response) => {
  const result =
    method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'old', version: '1' } }
      : method === 'tools/list'
        ? { tools: [{ name: 'old-tool', inputSchema: { type: 'object' } }] }
        : {};
  json(response, { jsonrpc: '2.0', id, result });
};

const DISCOVERED = {
  resultType: 'complete',
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: {} },
  ttlMs: 0,
  cacheScope: 'private',
};

async function use(test: RegistryBench, server: string, tool: string, args = {}, who = {}) {
  const outcome = await test.upstream(server).send(toolCall(tool, args), exchangeOf(who), new RecordingSink());
  const { content } = jsonOf(outcome) as { content: { text: string }[] };
  return JSON.parse(content[0]?.text ?? 'null') as Record<string, unknown>;
}

describe('the era of an HTTP upstream', () => {
  it('is modern when it discovers a version both speak', async () => {
    const lab = await modern();
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: lab.url })]));
    const { status } = test.upstream('lab');
    expect(status).toMatchObject({ era: 'modern', version: '2026-07-28' });
    expect(status.dual).toBeUndefined();
    expect(test.upstream('lab').listing).toMatchObject({
      instructions: 'a modern laboratory',
      serverInfo: { name: 'modern-lab' },
      freshness: { tools: { scope: 'private' } },
      http: true,
    });
    expect(lab.seen[0]?.headers.get('mcp-protocol-version')).toBe('2026-07-28');
    expect(lab.seen[0]?.headers.get('mcp-method')).toBe('server/discover');
    expect(lab.seen.every(({ headers }) => headers.get('mcp-session-id') === null)).toBe(true);
  });

  it('is legacy when the SDK of that era refuses the question', async () => {
    const lab = await startHttpLab();
    closers.push(() => lab.close());
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: lab.url })]));
    expect(test.upstream('lab').status).toMatchObject({ era: 'legacy', version: '2025-11-25' });
    expect(lab.posts.slice(0, 2)).toEqual(['server/discover', 'initialize']);
  });

  it.each<[string, Answer]>([
    ['an unknown method', ({ id }, r) => json(r, { jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } })],
    ['an empty 400', (_m, r) => void r.writeHead(400).end()],
    ['an empty 404', (_m, r) => void r.writeHead(404).end()],
    ['a page', (_m, r) => void r.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
    ['a result that is none of discover', ({ id }, r) => json(r, { jsonrpc: '2.0', id, result: {} })],
    [
      'a session that is wanted',
      (_m, r) => json(r, { jsonrpc: '2.0', id: null, error: { code: -32000, message: 'Server not initialized' } }, 400),
    ],
    [
      'legacy versions only',
      ({ id }, r) =>
        json(r, {
          jsonrpc: '2.0',
          id,
          error: { code: -32022, message: 'no', data: { supported: ['2025-11-25'], requested: '2026-07-28' } },
        }),
    ],
    [
      'a discovery of versions nobody here speaks',
      ({ id }, r) => json(r, { jsonrpc: '2.0', id, result: { ...DISCOVERED, supportedVersions: ['2031-01-01'] } }),
    ],
  ])('is legacy after %s', async (_name, answer) => {
    const { seen, url } = await liar((message, response) =>
      message.method === 'server/discover' ? answer(message, response) : legacyAnswer(message, response),
    );
    const test = bench();
    await test.up(proxyOf([serverOf('liar', 'streamable-http', { url })]));
    expect(test.upstream('liar').status.era).toBe('legacy');
    expect(seen).toContain('initialize');
  });

  it.each<[string, Answer, string]>([
    ['401', (_m, r) => void r.writeHead(401).end(), 'UPSTREAM_UNAUTHORIZED'],
    ['403', (_m, r) => void r.writeHead(403).end(), 'UPSTREAM_FORBIDDEN'],
    ['500', (_m, r) => void r.writeHead(500).end(), 'UPSTREAM_HTTP'],
    ['503', (_m, r) => void r.writeHead(503).end(), 'UPSTREAM_HTTP'],
    ['a broken connection', (_m, r) => void r.destroy(), 'UPSTREAM_UNREACHABLE'],
  ])('is not judged by %s', async (_name, answer) => {
    let broken = true;
    const { seen, url } = await liar((message, response) =>
      broken ? answer(message, response) : legacyAnswer(message, response),
    );
    const test = bench();
    test.apply(proxyOf([serverOf('liar', 'streamable-http', { url })]));
    await test.state('liar', 'unreachable');
    expect(seen).not.toContain('initialize');
    broken = false;
    await test.state('liar', 'ready');
  });

  it('is modern when the refusal names a modern version, and initialize is never tried', async () => {
    let asked = 0;
    const { seen, url } = await liar(({ id, method }, response) => {
      if (method !== 'server/discover') return json(response, { jsonrpc: '2.0', id, result: { tools: [] } });
      if (++asked > 1) return json(response, { jsonrpc: '2.0', id, result: DISCOVERED });
      const data = { supported: ['2026-07-28', '2025-11-25'], requested: 'x' };
      return json(response, { jsonrpc: '2.0', id: null, error: { code: -32022, message: 'no', data } }, 400);
    });
    const test = bench();
    // Pinned to find out about both eras only by discover: the dual probe is what would send initialize.
    await test.up(proxyOf([serverOf('liar', 'streamable-http', { url })]));
    expect(test.upstream('liar').status.era).toBe('modern');
    expect(seen.slice(0, 2)).toEqual(['server/discover', 'server/discover']);
  });

  it('is what the configuration says when it says so', async () => {
    const dual = await modern({ legacy: 'sessions' });
    const test = bench();
    await test.up(
      proxyOf([
        serverOf('new', 'streamable-http', { url: dual.url }, { protocol: 'modern' }),
        serverOf('old', 'streamable-http', { url: dual.url }, { protocol: 'legacy' }),
      ]),
    );
    expect(test.upstream('new').status).toMatchObject({ era: 'modern' });
    expect(test.upstream('old').status).toMatchObject({ era: 'legacy' });
    expect(test.upstream('new').status.dual).toBeUndefined();
  });

  it('that is pinned to the modern one says what is wrong with a legacy server', async () => {
    const lab = await startHttpLab();
    closers.push(() => lab.close());
    const test = bench();
    test.apply(proxyOf([serverOf('lab', 'streamable-http', { url: lab.url }, { protocol: 'modern' })]));
    await test.state('lab', 'unreachable');
    expect(test.upstream('lab').status.reason).toMatch(/lab/);
    expect(lab.posts).not.toContain('initialize');
  });

  it('is asked anew after a restart: a server that was replaced by an older one is found out', async () => {
    const first = await startModernLab();
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: first.url })]));
    expect(test.upstream('lab').status.era).toBe('modern');
    await first.close();
    const second = await startHttpLab({ port: first.port });
    closers.push(() => second.close());
    await test.until(
      () => test.upstream('lab').status.era === 'legacy' && test.upstream('lab').status.state === 'ready',
    );
    expect(await use(test, 'lab', 'echo', { a: 1 })).toEqual({ a: 1 });
  });

  it('is asked anew after a day: a server that was upgraded still answers as it did', async () => {
    let upgraded = false;
    const { url } = await liar((message, response) => {
      const { id, method } = message;
      if (method !== 'server/discover') return legacyAnswer(message, response);
      const unknown = { jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } };
      return json(response, upgraded ? { jsonrpc: '2.0', id, result: DISCOVERED } : unknown);
    });
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url })], { discovery: listingEvery(20) }));
    expect(test.upstream('lab').status.era).toBe('legacy');
    upgraded = true;
    const now = Date.now();
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now + 25 * 3_600_000);
    try {
      await test.until(() => test.upstream('lab').status.era === 'modern');
    } finally {
      clock.mockRestore();
    }
  });

  it('is doubted when a modern request is answered like a legacy server would', async () => {
    let old = false;
    const { url } = await liar((message, response) => {
      const { id, method } = message;
      const needsSession = { code: -32000, message: 'Bad Request: Server not initialized' };
      if (old && (message.params?.['_meta'] as Record<string, unknown>)?.['io.modelcontextprotocol/protocolVersion']) {
        return json(response, { jsonrpc: '2.0', id: null, error: needsSession }, 400);
      }
      if (old && method === 'tools/call') {
        return json(response, { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: '"old"' }] } });
      }
      if (old) return legacyAnswer(message, response);
      if (method === 'initialize')
        return json(response, { jsonrpc: '2.0', id, error: { code: -32601, message: '' } }, 404);
      const result = method === 'server/discover' ? DISCOVERED : { resultType: 'complete', tools: [] };
      return json(response, { jsonrpc: '2.0', id, result });
    });
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url })]));
    expect(test.upstream('lab').status.era).toBe('modern');
    old = true;
    // The call finds it out, and is sent once more in the other era: it provably did not run.
    expect(await use(test, 'lab', 'echo')).toBe('old');
    await test.until(() => test.upstream('lab').status.era === 'legacy');
  });
});

describe('an upstream that speaks both eras', () => {
  it('is used in the client’s own', async () => {
    const dual = await modern({ legacy: 'sessions' });
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: dual.url })]));
    expect(test.upstream('lab').status).toMatchObject({ era: 'modern', dual: true });
    expect(test.upstream('lab').listing?.dual).toBe(true);
    const asking = { capabilities: { elicitation: {} } };
    expect(await use(test, 'lab', 'who', {}, { era: 'modern', ...asking })).toMatchObject({ era: 'modern' });
    expect(await use(test, 'lab', 'who', {}, { session: 'a', ...asking })).toMatchObject({ era: 'legacy' });
    expect(await use(test, 'lab', 'who', {}, { session: 'b' })).toMatchObject({ era: 'legacy' });
  });

  it('that keeps no sessions in the legacy one is used in the modern one by clients that can be asked', async () => {
    const dual = await modern({ legacy: 'stateless' });
    const test = bench();
    await test.up(proxyOf([serverOf('lab', 'streamable-http', { url: dual.url })]));
    expect(test.upstream('lab').status.dual).toBe(true);
    const asking = { capabilities: { elicitation: {} } };
    expect(await use(test, 'lab', 'who', {}, { session: 'a', ...asking })).toMatchObject({ era: 'modern' });
    expect(await use(test, 'lab', 'who', {}, { session: 'b' })).toMatchObject({ era: 'legacy' });
  });
});

describe('the era of a stdio upstream', () => {
  const child = (name: string, args: string[], rest = {}) =>
    serverOf(name, 'stdio', { command: process.execPath, args }, rest);
  const script = (text: string) => ['-e', text];

  it('is asked of a sibling that is thrown away', async () => {
    const test = bench();
    await test.up(
      proxyOf([child('new', [MODERN_LAB]), child('old', [LAB_SERVER]), child('both', [MODERN_LAB, 'serve'])]),
    );
    expect(test.upstream('new').status).toMatchObject({ era: 'modern', version: '2026-07-28' });
    expect(test.upstream('old').status).toMatchObject({ era: 'legacy', version: '2025-11-25' });
    expect(test.upstream('both').status).toMatchObject({ era: 'modern' });
    for (const name of ['new', 'old', 'both']) expect(test.upstream(name).status.pids).toHaveLength(1);
    expect(await use(test, 'new', 'echo', { a: 1 })).toEqual({ a: 1 });
    expect(await use(test, 'old', 'echo', { a: 1 })).toEqual({ a: 1 });
  });

  it('is legacy when the sibling exits', async () => {
    const lab = fileURLToPath(new URL('../testing/lab-server.ts', import.meta.url));
    const exits = script(`
      process.stdin.once('data', (first) => {
        if (String(first).includes('server/discover')) process.exit(1);
        const child = require('node:child_process').spawn(process.execPath, [${JSON.stringify(lab)}], { stdio: ['pipe', 'inherit', 'inherit'] });
        child.stdin.write(first);
        process.stdin.pipe(child.stdin);
      });`);
    const test = bench();
    await test.up(proxyOf([child('shy', exits)]));
    expect(test.upstream('shy').status.era).toBe('legacy');
  });

  it('is not asked for when it is pinned', async () => {
    const starts: string[] = [];
    const transport = new ScriptedTransport(() => {
      const connection = new ScriptedConnection('connection');
      connection.onRequest = (request) => {
        starts.push(request.method);
        connection.answer(request, request.method === 'server/discover' ? DISCOVERED : { tools: [] });
      };
      return connection;
    });
    const test = bench({ stdio: transport });
    await test.up(proxyOf([child('pinned', [], { protocol: 'modern' })]));
    expect(transport.connections).toHaveLength(1);
    expect(starts[0]).toBe('server/discover');
    expect(test.upstream('pinned').status.era).toBe('modern');
  });
});

describe('the era of other upstreams', () => {
  it('is legacy without asking', async () => {
    const transport = new ScriptedTransport();
    const test = bench({ sse: transport });
    await test.up(proxyOf([serverOf('lab', 'sse')]));
    expect(transport.connections).toHaveLength(1);
    expect(transport.connections[0]?.received[0]?.method).toBe('initialize');
  });
});
