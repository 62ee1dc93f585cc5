import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { ClientPool } from './client-pool.js';
import { buildConnector } from './undici.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server that answers when the test says so. */
class Held {
  readonly sockets = new Set<Socket>();
  readonly held: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly socket: Socket }[] =
    [];
  readonly #server = createServer((request, response) => {
    this.held.push({ request, response, socket: request.socket });
    this.#wake();
  });
  #wake = (): void => {};
  origin = '';

  async listen(): Promise<this> {
    this.#server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => {
        this.sockets.delete(socket);
        this.#wake();
      });
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    closers.push(async () => {
      for (const socket of this.sockets) socket.destroy();
      await new Promise((resolve) => this.#server.close(resolve));
    });
    return this;
  }

  /** Resolves when this is so; looked at whenever a request arrives or a socket closes. */
  async until(ready: () => boolean): Promise<void> {
    while (!ready()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  get paths(): string[] {
    return this.held.map(({ request }) => request.url ?? '');
  }
}

async function pooled(connections?: number, connect = buildConnector({})) {
  const server = await new Held().listen();
  const pool = new ClientPool(server.origin, { connections, connect });
  closers.push(() => pool.destroy());
  return { server, pool };
}

class Sent implements Dispatcher.DispatchHandler {
  controller: Dispatcher.DispatchController | undefined;
  readonly done: Promise<number | string>;
  #resolve!: (how: number | string) => void;
  #status = 0;
  abandoned = false;

  constructor() {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.abandoned) throw new Error('abandoned');
    this.controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    this.#resolve(this.#status);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: NodeJS.ErrnoException): void {
    this.#resolve(error.code ?? error.message);
  }
}

function send(pool: ClientPool, path: string, headers: string[] = []): Sent {
  const sent = new Sent();
  pool.dispatch({ method: 'POST', path, headers, body: Buffer.from('{}') }, sent);
  return sent;
}

/** undici gives a socket a turn of the event loop before it counts as free: a server may close it although it said otherwise. */
async function turn(): Promise<void> {
  for (let count = 0; count < 2; count++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a pool of sockets', () => {
  it('opens as many as are in use at a time, and sends on those that are free again', async () => {
    const { pool, server } = await pooled();
    const first = [send(pool, '/a'), send(pool, '/b')];
    await server.until(() => server.held.length === 2);
    for (const { response } of server.held) response.end();
    expect(await Promise.all(first.map(({ done }) => done))).toEqual([200, 200]);
    await turn();
    for (const path of ['/c', '/d', '/e']) {
      const sent = send(pool, path);
      await server.until(() => server.paths.includes(path));
      server.held.at(-1)?.response.end();
      expect(await sent.done).toBe(200);
      await turn();
    }
    expect(new Set(server.held.map(({ socket }) => socket)).size).toBe(2);
  });

  it('has the rest wait in order of arrival once there are no more sockets to be had', async () => {
    const { pool, server } = await pooled(1);
    const sent = ['/a', '/b', '/c', '/d'].map((path) => send(pool, path));
    for (const [index, { done }] of sent.entries()) {
      await server.until(() => server.held.length === index + 1);
      server.held[index]?.response.end();
      expect(await done).toBe(200);
    }
    expect(server.paths).toEqual(['/a', '/b', '/c', '/d']);
    expect(new Set(server.held.map(({ socket }) => socket)).size).toBe(1);
  });

  it('sends nothing of what was abandoned while it waited, and goes on with what waits behind it', async () => {
    const { pool, server } = await pooled(1);
    const [first, second, third] = ['/a', '/b', '/c'].map((path) => send(pool, path)) as [Sent, Sent, Sent];
    second.abandoned = true;
    await server.until(() => server.held.length === 1);
    server.held[0]?.response.end();
    expect([await first.done, await second.done]).toEqual([200, 'abandoned']);
    await server.until(() => server.held.length === 2);
    server.held[1]?.response.end();
    expect(await third.done).toBe(200);
    expect(server.paths).toEqual(['/a', '/c']);
  });

  it('goes on when undici will not send something', async () => {
    const { pool, server } = await pooled(1);
    const bad = Array.from({ length: 3_000 }, () => send(pool, '/bad', ['x', 'a\nb']));
    const good = send(pool, '/good');
    expect(new Set(await Promise.all(bad.map(({ done }) => done)))).toEqual(new Set(['UND_ERR_INVALID_ARG']));
    await server.until(() => server.held.length === 1);
    const waiting = [...Array.from({ length: 3_000 }, () => send(pool, '/bad', ['x', 'a\nb'])), send(pool, '/last')];
    server.held[0]?.response.end();
    expect(await good.done).toBe(200);
    await server.until(() => server.held.length === 2);
    server.held[1]?.response.end();
    expect(await waiting.at(-1)?.done).toBe(200);
  });

  it('tells each that its socket could not be opened, and tries for each', async () => {
    let tries = 0;
    const { pool } = await pooled(2, (_options, callback) => {
      tries++;
      setImmediate(() => callback(Object.assign(new Error('no'), { code: 'ENO' }), null));
    });
    const sent = Array.from({ length: 5 }, (_, index) => send(pool, `/${index}`));
    expect(await Promise.all(sent.map(({ done }) => done))).toEqual(['ENO', 'ENO', 'ENO', 'ENO', 'ENO']);
    expect(tries).toBe(5);
  });

  it('bears a connector that refuses at once', async () => {
    const { pool } = await pooled(1, (_options, callback) => callback(new Error('refused'), null));
    const sent = ['/a', '/b', '/c'].map((path) => send(pool, path));
    expect(await Promise.all(sent.map(({ done }) => done))).toEqual(['refused', 'refused', 'refused']);
  });

  it('opens another socket in place of one that was closed while nobody used it', async () => {
    const { pool, server } = await pooled(1);
    const first = send(pool, '/a');
    await server.until(() => server.held.length === 1);
    server.held[0]?.response.end();
    await first.done;
    server.held[0]?.socket.destroy();
    await server.until(() => server.sockets.size === 0);
    const second = send(pool, '/b');
    await server.until(() => server.held.length === 2);
    server.held[1]?.response.end();
    expect(await second.done).toBe(200);
  });

  it('frees the place of a request that is aborted', async () => {
    const { pool, server } = await pooled(1);
    const [first, second] = [send(pool, '/a'), send(pool, '/b')];
    await server.until(() => server.held.length === 1);
    first.controller?.abort(new Error('enough'));
    expect(await first.done).toBe('enough');
    await server.until(() => server.held.length === 2);
    server.held[1]?.response.end();
    expect(await second.done).toBe(200);
  });

  it('lets go of the sockets nobody uses and of no other', async () => {
    const { pool, server } = await pooled();
    const [idle, running] = [send(pool, '/idle'), send(pool, '/running')];
    await server.until(() => server.held.length === 2);
    const of = (path: string) => server.held.find(({ request }) => request.url === path);
    of('/idle')?.response.end();
    await idle.done;
    await turn();
    pool.renew();
    await server.until(() => server.sockets.size === 1);
    of('/running')?.response.end();
    expect(await running.done).toBe(200);
  });

  it('sends nothing new on the sockets there are when it is told so, and what waits gets others', async () => {
    const { pool, server } = await pooled(1);
    const [running, waiting] = [send(pool, '/a'), send(pool, '/b')];
    await server.until(() => server.held.length === 1);
    pool.renewAll();
    await server.until(() => server.held.length === 2);
    for (const { response } of server.held) response.end();
    expect(await Promise.all([running.done, waiting.done])).toEqual([200, 200]);
    const [first, second] = server.held;
    expect(first?.socket).not.toBe(second?.socket);
    await server.until(() => first?.socket.destroyed === true);
    await turn();
    const later = send(pool, '/c');
    await server.until(() => server.held.length === 3);
    server.held[2]?.response.end();
    expect(await later.done).toBe(200);
    expect(server.held[2]?.socket).toBe(second?.socket);
  });

  it('tells what runs, what waits and what comes later that it is over', async () => {
    const { pool, server } = await pooled(1);
    const sent = [send(pool, '/a'), send(pool, '/b')];
    await server.until(() => server.held.length === 1);
    await pool.destroy();
    sent.push(send(pool, '/c'));
    const over = 'UND_ERR_DESTROYED';
    expect(await Promise.all(sent.map(({ done }) => done))).toEqual([over, over, over]);
    await server.until(() => server.sockets.size === 0);
  });
});
