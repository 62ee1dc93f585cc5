import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { EgressGuard } from '#libs/egress';
import type { GatewayError } from '#libs/kernel';
import { exchangeOf, jsonOf, RecordingSink, toolCall } from './testing/callers.js';
import { proxyOf, RegistryBench, serverOf } from './testing/registries.js';
import { SseTransport } from './transports/sse/sse.transport.js';
import { StdioTransport } from './transports/stdio/stdio.transport.js';

// The rule of never-twice.spec.ts, on wires whose messages all share one stream.

type Json = Record<string, unknown>;
type Settings = Parameters<typeof serverOf>[2];

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function benchOf(type: 'stdio' | 'sse', settings: Settings): Promise<RegistryBench> {
  const bench = new RegistryBench({ stdio: new StdioTransport(), sse: new SseTransport(new EgressGuard()) });
  closers.push(() => bench.registry.stop(0));
  await bench.up(proxyOf([serverOf('lab', type, settings, { protocol: 'legacy' })]));
  return bench;
}

let nonces = 0;

/** Calls a tool; what it does is in its name, what it says of itself in `repeatable`. */
async function call(bench: RegistryBench, tool: string, repeatable = false) {
  const nonce = `nonce-${++nonces}`;
  const request = toolCall(tool, { nonce }, { repeatable, solo: true });
  const settled = await bench
    .upstream('lab')
    .send(request, exchangeOf(), new RecordingSink())
    .then(
      (outcome) => jsonOf(outcome)['nonce'],
      (thrown: unknown) => thrown as GatewayError,
    );
  return { nonce, settled };
}

const MAYBE = { code: 'UPSTREAM_DISCONNECTED', notExecuted: false, data: { server: 'lab', mayHaveExecuted: true } };

/** A child that keeps a journal which outlives it. */
const CHILD = `
  import { appendFileSync, closeSync, readFileSync } from 'node:fs';
  const journal = process.argv[2];
  const say = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
  const tools = ['write', 'die', 'deaf'].map((name) => ({ name, inputSchema: { type: 'object' } }));
  const welcome = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'c', version: '1' } };
  const call = (id, { name, arguments: { nonce } }) => {
    appendFileSync(journal, nonce + '\\n');
    const nth = readFileSync(journal, 'utf8').split('\\n').filter((line) => line === nonce).length;
    if (name === 'die' && nth === 1) process.kill(process.pid, 'SIGKILL');
    else if (name === 'deaf') {
      closeSync(0);
      say(id, { nonce });
    } else say(id, { nonce });
  };
  let rest = '';
  process.stdin.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\\n');
    rest = lines.pop();
    for (const line of lines) {
      const { id, method, params } = JSON.parse(line);
      if (method === 'initialize') say(id, welcome);
      else if (method === 'tools/list') say(id, { tools });
      else if (method === 'tools/call') call(id, params);
      else if (id !== undefined) say(id, {});
    }
  });
  setInterval(() => {}, 60_000);
`;

async function child(settings: Settings = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'never-twice-'));
  closers.push(() => rmSync(dir, { recursive: true, force: true }));
  const [program, journal] = [join(dir, 'child.mjs'), join(dir, 'journal')];
  writeFileSync(program, CHILD);
  writeFileSync(journal, '');
  const bench = await benchOf('stdio', { command: process.execPath, args: [program, journal], ...settings });
  const executed = () => readFileSync(journal, 'utf8').split('\n').slice(0, -1);
  return { bench, executed };
}

describe('a call on a child', () => {
  it('that was killed meanwhile is not sent again, and may have run', async () => {
    const { bench, executed } = await child();
    const { nonce, settled } = await call(bench, 'die');
    expect(settled).toMatchObject(MAYBE);
    expect(executed()).toEqual([nonce]);
  });

  it('that was killed meanwhile is sent once more, to a new child, where that does no harm', async () => {
    const { bench, executed } = await child();
    const { nonce, settled } = await call(bench, 'die', true);
    expect(settled).toBe(nonce);
    expect(executed()).toEqual([nonce, nonce]);
  });

  it('that was killed meanwhile is not sent again where connection.replay is never', async () => {
    const { bench, executed } = await child({ replay: 'never' });
    const { nonce, settled } = await call(bench, 'die', true);
    expect(settled).toMatchObject(MAYBE);
    expect(executed()).toEqual([nonce]);
  });

  it('that reads no more was not run, and is sent once more to a new one', async () => {
    const { bench, executed } = await child({ replay: 'never' });
    const first = await call(bench, 'deaf');
    expect(first.settled).toBe(first.nonce);
    const second = await call(bench, 'write');
    expect(second.settled).toBe(second.nonce);
    expect(executed()).toEqual([first.nonce, second.nonce]);
  });
});

interface Posted {
  readonly nonce: string;
  readonly nth: number;
  readonly response: ServerResponse;
  readonly stream: ServerResponse;
  run(): void;
  /** Takes the message and answers it on the stream. */
  serve(): void;
}

/** An HTTP+SSE server whose test decides what becomes of each tool call. */
class OldServer {
  readonly executed: string[] = [];
  readonly arrived: string[] = [];
  onCall: (posted: Posted) => void = (posted) => posted.serve();
  streams = 0;
  url = '';
  #stream: ServerResponse | undefined;

  static async start(): Promise<OldServer> {
    const old = new OldServer();
    const server = createServer((request, response) => {
      if (request.method === 'GET') old.#open(response);
      else void old.#post(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    old.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sse`;
    closers.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return old;
  }

  #open(response: ServerResponse): void {
    this.streams++;
    this.#stream = response;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`event: endpoint\ndata: /messages?stream=${this.streams}\n\n`);
  }

  async #post(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const {
      id,
      method,
      params = {},
    } = JSON.parse(Buffer.concat(parts).toString()) as {
      id?: number;
      method: string;
      params?: Json;
    };
    const stream = this.#stream as ServerResponse;
    const say = (result: Json) => {
      response.writeHead(202).end();
      stream.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`);
    };
    if (id === undefined) response.writeHead(202).end();
    else if (method === 'initialize') say(WELCOME);
    else if (method === 'tools/list') say({ tools: [{ name: 'write', inputSchema: { type: 'object' } }] });
    else if (method === 'tools/call') this.#call(params, { response, stream, say });
    else say({});
  }

  #call(params: Json, { say, ...wire }: Pick<Posted, 'response' | 'stream'> & { say(result: Json): void }): void {
    const nonce = String((params['arguments'] as Json)['nonce']);
    this.arrived.push(nonce);
    const run = () => void this.executed.push(nonce);
    this.onCall({
      ...wire,
      nonce,
      nth: this.arrived.filter((other) => other === nonce).length,
      run,
      serve: () => {
        run();
        say({ nonce });
      },
    });
  }
}

const WELCOME = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'old', version: '1' },
};

describe('a call over HTTP+SSE', () => {
  const BREAKS: readonly (readonly [string, (posted: Posted) => void])[] = [
    [
      'whose stream broke after it was taken',
      ({ response, stream }) => response.writeHead(202).end(() => stream.destroy()),
    ],
    ['whose POST was reset after it was read', ({ response }) => void response.destroy()],
  ];

  it.each(BREAKS)('%s is not sent again, and may have run', async (_name, breakOff) => {
    const old = await OldServer.start();
    const bench = await benchOf('sse', { url: old.url });
    old.onCall = (posted) => {
      posted.run();
      breakOff(posted);
    };
    const { nonce, settled } = await call(bench, 'write');
    expect(settled).toMatchObject(MAYBE);
    expect(old.executed).toEqual([nonce]);
  });

  it.each(BREAKS)('%s is sent once more where that does no harm', async (_name, breakOff) => {
    const old = await OldServer.start();
    const bench = await benchOf('sse', { url: old.url });
    old.onCall = (posted) => {
      if (posted.nth > 1) return posted.serve();
      posted.run();
      breakOff(posted);
    };
    const { nonce, settled } = await call(bench, 'write', true);
    expect(settled).toBe(nonce);
    expect(old.executed).toEqual([nonce, nonce]);
  });

  it('whose session the server has forgotten is sent once more on a new stream', async () => {
    const old = await OldServer.start();
    const bench = await benchOf('sse', { url: old.url });
    old.onCall = (posted) => {
      if (posted.nth > 1) posted.serve();
      else posted.response.writeHead(404).end();
    };
    const { nonce, settled } = await call(bench, 'write');
    expect(settled).toBe(nonce);
    expect(old.executed).toEqual([nonce]);
    expect(old.streams).toBe(2);
  });

  it('that ran out of time is not sent again, and may have run', async () => {
    const old = await OldServer.start();
    const bench = await benchOf('sse', { url: old.url, timeout: 100 });
    old.onCall = ({ response, run }) => {
      run();
      response.writeHead(202).end();
    };
    const { nonce, settled } = await call(bench, 'write', true);
    expect(settled).toMatchObject({ code: 'UPSTREAM_TIMEOUT', data: { tool: 'write', mayHaveExecuted: true } });
    expect(old.executed).toEqual([nonce]);
  });
});
