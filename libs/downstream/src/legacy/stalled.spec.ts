import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Accepted } from '../http/post-headers.js';
import { PostReply, type ReplyParts } from '../streams/post-reply.js';
import { StreamRegistry } from '../streams/stream-registry.js';

type Settings = Accepted & ReplyParts;

const SINGLE: Settings = { json: true, stream: true, streamFirst: false, batch: false, requests: 1, stall: 100 };
const BIG = Buffer.from(JSON.stringify({ text: 'x'.repeat(20_000_000) }));

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** A client that sent its request, and reads nothing until it is told to. */
async function deafClient(settings: Settings) {
  const registry = new StreamRegistry({ hasRoom: () => true, unread: () => {} });
  let closed = false;
  const server = createServer((_request, response) => {
    response.once('close', () => {
      closed = true;
    });
    new PostReply(response, settings, registry, settings).answer(BIG);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket.on('error', () => {}));
  socket.pause();
  socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n');
  return { socket, closed: () => closed };
}

describe('an answer nobody reads', () => {
  it.each([false, true])('is given up after a while, and its memory with it (as a stream: %s)', async (streamFirst) => {
    const { closed } = await deafClient({ ...SINGLE, streamFirst });
    await expect.poll(closed, { timeout: 10_000 }).toBe(true);
  });

  it('arrives whole at a client that is only slow', async () => {
    const { socket } = await deafClient({ ...SINGLE, stall: 2_000 });
    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      socket.pause();
      setImmediate(() => socket.resume());
    });
    socket.resume();
    await expect.poll(() => received, { timeout: 20_000 }).toBeGreaterThan(BIG.length);
  });
});
