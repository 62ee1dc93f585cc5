import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { markLastRequest, type Writer } from './last-request.js';
import type { Outlet } from './outlet.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server that answers every request with the beginning of a stream, and what it has answered so far. */
class Streamer {
  readonly responses: ServerResponse[] = [];
  readonly server: Server = createServer({ keepAliveTimeout: 1 }, (_request, response) => {
    response.shouldKeepAlive = false;
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.flushHeaders();
    markLastRequest(response, this.#writer?.(response));
    this.responses.push(response);
  });
  readonly #sockets: Socket[] = [];
  readonly #writer: ((response: ServerResponse) => Writer) | undefined;

  constructor(writer?: (response: ServerResponse) => Writer) {
    this.#writer = writer;
    this.server.on('connection', (socket) => this.#sockets.push(socket));
  }

  static async start(writer?: (response: ServerResponse) => Writer): Promise<Streamer> {
    const streamer = new Streamer(writer);
    streamer.server.listen(0, '127.0.0.1');
    await once(streamer.server, 'listening');
    closing.push(async () => {
      for (const socket of streamer.#sockets) socket.destroy();
      await new Promise((resolve) => streamer.server.close(resolve));
    });
    return streamer;
  }

  /** Sends this much, and returns the connection once its head has come. */
  async open(text: string): Promise<Client> {
    const { port } = this.server.address() as AddressInfo;
    const client = new Client(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
    client.socket.write(text);
    await expect.poll(() => client.received).toContain('\r\n\r\n');
    return client;
  }
}

class Client {
  received = '';

  constructor(readonly socket: Socket) {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
    });
  }
}

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

/** Whether Node still has something to read requests with; not documented, and all that tells. */
function parserOf(response: ServerResponse | undefined): unknown {
  return (response?.socket as (Socket & { parser?: unknown }) | null | undefined)?.parser;
}

async function opened() {
  const streamer = await Streamer.start();
  const client = await streamer.open(GET);
  const [response] = streamer.responses as [ServerResponse];
  await expect.poll(() => parserOf(response)).toBeNull();
  return { streamer, client, response };
}

describe('the last request of a connection', () => {
  it('leaves no parser behind, and its answer goes on to its end', async () => {
    const { client, response } = await opened();
    response.write('one');
    await expect.poll(() => client.received).toContain('3\r\none\r\n');
    const closed = once(client.socket, 'end');
    response.end('two');
    await closed;
    expect(client.received).toContain('3\r\ntwo\r\n0\r\n\r\n');
  });

  it('is told that its client has gone', async () => {
    const { client, response } = await opened();
    const closed = once(response, 'close');
    client.socket.destroy();
    await closed;
    expect(response.writableFinished).toBe(false);
  });

  it('is told that its client wants no more', async () => {
    const { client, response } = await opened();
    const closed = once(response, 'close');
    client.socket.end();
    await closed;
  });

  it('survives a connection that breaks', async () => {
    const { client, response } = await opened();
    const closed = once(response, 'close');
    client.socket.resetAndDestroy();
    await closed;
  });

  it('reads what comes after it, and does nothing about it', async () => {
    const { streamer, client, response } = await opened();
    client.socket.write(GET.repeat(20_000));
    await expect.poll(() => response.socket?.bytesRead).toBe(GET.length * 20_001);
    response.write('still here');
    await expect.poll(() => client.received).toContain('still here');
    expect(streamer.responses).toHaveLength(1);
  });

  it('keeps its parser while that has another request at hand', async () => {
    const streamer = await Streamer.start();
    await streamer.open(GET + GET);
    await expect.poll(() => streamer.responses.length).toBe(2);
    // The answer to a request that came alone says when both had their turn.
    await streamer.open(GET);
    await expect.poll(() => parserOf(streamer.responses[2])).toBeNull();
    expect(parserOf(streamer.responses[0])).toBeTruthy();
  });

  it('leaves connections alone where somebody else takes upgrades', async () => {
    const streamer = await Streamer.start();
    const taken: unknown[] = [];
    streamer.server.on('upgrade', (request) => taken.push(request.url));
    const client = await streamer.open(GET);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(parserOf(streamer.responses[0])).toBeTruthy();
    expect(taken).toEqual([]);
    streamer.responses[0]?.end('done');
    await expect.poll(() => client.received).toContain('done');
  });

  /** The head that is sent, `text`, and what becomes of the response. */
  async function moving(text: string, listeners: number) {
    const moves: { readonly outlet: Outlet; readonly socket: Socket }[] = [];
    const streamer = await Streamer.start((response) => {
      for (let count = 0; count < listeners; count++) response.on('close', () => {});
      return { moved: (outlet, socket) => void moves.push({ outlet, socket }) };
    });
    const client = await streamer.open(text);
    // Whatever was to happen to the first has happened before the second is answered.
    await streamer.open(GET);
    return { moves, client, response: streamer.responses[0] as ServerResponse };
  }

  it('gives its connection to a writer that can do without a response', async () => {
    const { moves, client, response } = await moving(GET, 1);
    await expect.poll(() => moves.length).toBe(2);
    expect(response.socket).toBeNull();
    const [{ outlet, socket }] = moves as [(typeof moves)[number]];
    outlet.write(Buffer.from('one'));
    outlet.write(Buffer.alloc(0));
    const closed = Promise.all([once(client.socket, 'end'), once(socket, 'close')]);
    outlet.end(Buffer.from('x'.repeat(16)));
    client.socket.end();
    await closed;
    expect(client.received.split('\r\n\r\n').slice(1)).toEqual([`3\r\none\r\n10\r\n${'x'.repeat(16)}\r\n0`, '']);
  });

  it('leaves the response its connection while somebody else waits for its end', async () => {
    const { moves, client, response } = await moving(GET, 2);
    await expect.poll(() => parserOf(response)).toBeNull();
    expect(moves).toEqual([]);
    const closed = once(response, 'close');
    client.socket.destroy();
    await closed;
  });

  it('leaves the response its connection where the client knows no chunks', async () => {
    const { moves, client, response } = await moving(GET.replace('1.1', '1.0'), 1);
    await expect.poll(() => moves.length).toBe(1);
    response.end('all of it');
    await expect.poll(() => client.received).toMatch(/\r\n\r\nall of it$/);
  });
});
