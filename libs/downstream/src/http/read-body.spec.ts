import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '#libs/kernel';
import { readBody, type Tally } from './read-body.js';

const LIMIT = 400_000;

class Counted implements Tally {
  inMemory = 0;
  most = 0;

  add(bytes: number): void {
    this.inMemory += bytes;
    this.most = Math.max(this.most, this.inMemory);
  }
}

let server: Server;
let counted: Counted;
let read: Promise<Buffer | GatewayError>;
let begun: (incoming: IncomingMessage) => void;

beforeEach(async () => {
  counted = new Counted();
  server = createServer((incoming, response) => {
    read = new Promise((resolve) => readBody(incoming, LIMIT, counted, resolve));
    begun(incoming);
    read.then(() => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function post(headers: Record<string, string | number>, body: Buffer, cut = false): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    begun = (incoming) => {
      // Only once something of it has arrived.
      if (cut) incoming.once('data', () => outgoing.destroy());
      resolve(incoming);
    };
    const outgoing = request({ port, host: '127.0.0.1', method: 'POST', headers }, (answer) => answer.resume());
    outgoing.on('error', () => {});
    if (cut) outgoing.write(body);
    else outgoing.end(body);
  });
}

describe('the body of a request', () => {
  const body = Buffer.from('0123456789'.repeat(30_000));

  it.each([
    ['announced', { 'content-length': body.length }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])('is read whole when it is %s, and counted while it arrives', async (_how, headers) => {
    await post(headers, body);
    expect(body.equals((await read) as Buffer)).toBe(true);
    expect(counted).toEqual({ inMemory: 0, most: body.length });
  });

  it.each([
    ['announced as too long', { 'content-length': LIMIT + 1 }],
    ['too long all the same', { 'transfer-encoding': 'chunked' }],
  ])('is refused when it is %s, and the client can send the rest', async (_how, headers) => {
    const incoming = await post(headers, Buffer.alloc(LIMIT + 1));
    expect(await read).toMatchObject({ code: 'BODY_TOO_LARGE' });
    await new Promise<void>((resolve) => (incoming.readableEnded ? resolve() : incoming.once('end', resolve)));
    expect(counted.inMemory).toBe(0);
    expect(counted.most).toBeLessThanOrEqual(LIMIT);
  });

  it('takes no more than was sent four times over, and nothing once the client is gone', async () => {
    await post({ 'content-length': LIMIT }, body.subarray(0, 10_000), true);
    const error = await read;
    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toMatchObject({ code: 'BODY_INCOMPLETE' });
    expect(counted.most).toBeGreaterThan(0);
    expect(counted.most).toBeLessThanOrEqual(40_000);
    expect(counted.inMemory).toBe(0);
  });
});
