import { randomUUID } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoServer } from '../demo/demo-server.js';
import { recordingTerminal } from '../testing/terminal.js';
import { UsageError } from './arguments.js';
import { runCall } from './call.js';
import { runTools } from './tools.js';

let http: Server;
let url: string;
const sessions = new Map<string, { server: McpServer; transport: StreamableHTTPServerTransport }>();

beforeAll(async () => {
  http = createServer(async (request, response) => {
    const known = sessions.get(String(request.headers['mcp-session-id']));
    if (known) return known.transport.handleRequest(request, response);
    const server = demoServer('1.0.0');
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, { server, transport }),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await server.connect(transport);
    return transport.handleRequest(request, response);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
});

afterAll(async () => {
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
});

type Answer = (id: number | undefined, response: ServerResponse) => void;

/** A gateway that opens sessions and has no tools; `answers` are what it does otherwise, by method. */
async function scripted(answers: Readonly<Record<string, Answer>>) {
  const results: Record<string, object> = {
    initialize: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'a', version: '1' } },
    'tools/list': { tools: [] },
  };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { id, method = request.method ?? '' } = JSON.parse(body || '{}') as { id?: number; method?: string };
    const result = results[method];
    response.setHeader('content-type', 'application/json').setHeader('mcp-session-id', 'a');
    if (answers[method]) answers[method](id, response);
    else if (result === undefined) response.writeHead(request.method === 'POST' ? 202 : 405).end();
    else response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { at, close };
}

async function call(
  name: string,
  words: string[],
  options: { json?: string; raw?: boolean; at?: string; token?: string; signal?: AbortSignal } = {},
) {
  const { written, terminal } = recordingTerminal();
  const { at = url, ...rest } = options;
  const code = await runCall(
    name,
    words,
    { url: at, version: '1', signal: new AbortController().signal, ...rest },
    terminal,
  );
  return { code, ...written };
}

describe('tools', () => {
  it('prints a table of names and first lines', async () => {
    const { written, terminal } = recordingTerminal();
    expect(await runTools(undefined, { url, version: '1' }, terminal)).toBe(0);
    expect(written.out).toMatch(/^TOOL +DESCRIPTION\n/);
    expect(written.out).toMatch(/^echo +Gives the message back$/m);
  });

  it('filters by part of a name or by a pattern, and says when nothing is left', async () => {
    const { written, terminal } = recordingTerminal();
    expect(await runTools('*o', { url, version: '1', json: true }, terminal)).toBe(0);
    expect(JSON.parse(written.out).map((tool: { name: string }) => tool.name)).toEqual(
      ['echo', 'slow'].filter((n) => n.endsWith('o')),
    );
    const second = recordingTerminal();
    expect(await runTools('none-such', { url, version: '1' }, second.terminal)).toBe(1);
    expect(second.written.err).toContain("none of 5 tools matches 'none-such'");
  });

  it('says of an empty list who knows why: a server may be down, or permissions may hide all', async () => {
    const { at, close } = await scripted({});
    const { written, terminal } = recordingTerminal();
    expect(await runTools(undefined, { url: at, version: '1' }, terminal)).toBe(0);
    expect(written).toEqual({
      out: '',
      err: expect.stringMatching(/^no tools: .*mcp-gateway status.*mcp-gateway explain/),
    });
    await close();
  });
});

describe('tools --schema', () => {
  it('says what each tool takes and gives, in words', async () => {
    const { written, terminal } = recordingTerminal();
    expect(await runTools('add', { url, version: '1', schema: true }, terminal)).toBe(0);
    expect(written.out).toMatch(/^add\n {2}Adds .*\n {2}hints: .*readOnlyHint/);
    expect(written.out).toMatch(/^ {2}takes:\n {4}a +number +required.*\n {4}b +number +required/m);
    expect(written.out).toMatch(/^ {2}gives:\n {4}sum +number +required/m);
    const other = recordingTerminal();
    await runTools('slow', { url, version: '1', schema: true }, other.terminal);
    expect(other.written.out).toMatch(/seconds +number, default 5 +How long it takes/);
  });
});

describe('call', () => {
  it('prints the text of the result', async () => {
    expect(await call('echo', ['message=hello'])).toMatchObject({ code: 0, out: 'hello\n' });
  });

  it('types arguments by the schema of the tool', async () => {
    expect((await call('add', ['a=2', 'b=3'])).out).toBe('2 + 3 = 5\n');
    expect((await call('echo', ['message=42'])).out).toBe('42\n');
    expect((await call('add', ['b=1'], { json: '{"a":1.5}' })).out).toBe('1.5 + 1 = 2.5\n');
  });

  it('prints the whole result as JSON when asked', async () => {
    const { out } = await call('add', ['a=1', 'b=1'], { raw: true });
    expect(JSON.parse(out)).toMatchObject({ structuredContent: { sum: 2 } });
  });

  it('shows progress beside the result', async () => {
    const { code, out, err } = await call('slow', ['seconds=0.05', 'steps=2']);
    expect(code).toBe(0);
    expect(out).toBe('Done after 0.05 s\n');
    expect(err).toBe('[1/2] step 1 of 2\n[2/2] step 2 of 2\n');
  });

  it('exits 1 when the tool fails and writes its text to stderr', async () => {
    expect(await call('fail', [])).toMatchObject({ code: 1, out: '', err: expect.stringContaining('always fails') });
  });

  it('suggests names for one that is unknown', async () => {
    expect((await call('demo:ech', [])).err).toContain('did you mean echo?');
  });

  it('closes its session', async () => {
    await call('echo', ['message=x']);
    expect(sessions.size).toBe(0);
  });

  it('says that the answer is lost when the gateway goes away meanwhile', async () => {
    const { at, close } = await scripted({ 'tools/call': (_, response) => response.destroy() });
    await expect(call('echo', [], { at })).rejects.toThrow(/was lost before the answer came .* may have been done/);
    await close();
  });

  it.each(['initialize', 'tools/list', 'tools/call'])('ends when it is cancelled during %s', async (method) => {
    const stop = new AbortController();
    // Nothing is answered from here on, the farewell neither.
    const { at, close } = await scripted({ [method]: () => stop.abort(), DELETE: () => {} });
    await expect(call('echo', [], { at, signal: stop.signal })).rejects.toThrow(new UsageError('cancelled'));
    await close();
  });

  it('passes on why the gateway refuses', async () => {
    const closed = createServer((_, response) => {
      const error = { code: -32600, message: 'The host 127.0.0.1 is not served here; add it to server.allowed_hosts' };
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }));
    });
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const at = `http://127.0.0.1:${(closed.address() as AddressInfo).port}/mcp`;
    await expect(call('echo', [], { at })).rejects.toThrow(
      /refuses this caller \(HTTP 403\): .* server\.allowed_hosts/,
    );
    await new Promise((resolve) => closed.close(resolve));
  });

  it('sends the token it was given, and says what is missing without one', async () => {
    const seen: unknown[] = [];
    const guarded = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401, {
        'content-type': 'application/json',
        'www-authenticate': 'Bearer resource_metadata="http://127.0.0.1:1/x"',
      });
      response.end(JSON.stringify({ error: 'invalid_token', error_description: 'The access token is invalid' }));
    });
    await new Promise<void>((resolve) => guarded.listen(0, '127.0.0.1', resolve));
    const at = `http://127.0.0.1:${(guarded.address() as AddressInfo).port}/mcp`;
    await expect(call('echo', [], { at })).rejects.toThrow(/HTTP 401\).*set MCP_GATEWAY_TOKEN/);
    await expect(call('echo', [], { at, token: 'abc' })).rejects.toThrow(/access token is invalid; the token in use/);
    expect(new Set(seen)).toEqual(new Set([undefined, 'Bearer abc']));
    await expect(call('echo', [], { at, token: 'a\nb' })).rejects.toThrow(/no header can carry/);
    await new Promise((resolve) => guarded.close(resolve));
  });

  it.each([
    ['initialize', 503, 'The gateway is overloaded; try again in 2 seconds'],
    ['tools/call', 429, 'everything:echo takes 2 calls a minute, and none is left; try again in 29 seconds'],
  ])('says in one sentence why %s is answered %i', async (refusedMethod, status, message) => {
    const { at, close } = await scripted({
      [refusedMethod]: (id, response) =>
        response.writeHead(status).end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32603, message } })),
    });
    await expect(call('echo', [], { at })).rejects.toThrow(new UsageError(`${message} (HTTP ${status})`));
    await close();
  });

  it('says what to do when nothing answers', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const at = `http://127.0.0.1:${(closed.address() as AddressInfo).port}/mcp`;
    await new Promise((resolve) => closed.close(resolve));
    await expect(call('echo', [], { at })).rejects.toThrow(/is the gateway running\? Start it with `npm start`/);
    await expect(call('echo', [], { at: 'nonsense' })).rejects.toThrow(/is not a URL/);
  });
});
