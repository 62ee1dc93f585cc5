import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { depart, type Sender } from './departures.js';

const REQUEST = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

interface Client {
  readonly socket: Socket;
  readonly response: ServerResponse;
}

interface Clients {
  1: [Client];
  2: [Client, Client];
  3: [Client, Client, Client];
}

/** Clients that wait for their answers, each on a connection of its own. */
async function waiting<N extends 1 | 2 | 3>(count: N): Promise<Clients[N]> {
  let came: (response: ServerResponse) => void = () => {};
  const server = createServer((_request, response) => came(response));
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const clients: Client[] = [];
  for (let index = 0; index < count; index++) {
    const arrived = new Promise<ServerResponse>((resolve) => {
      came = resolve;
    });
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () => socket.write(REQUEST));
    sockets.push(socket);
    clients.push({ socket, response: await arrived });
  }
  return clients as Clients[N];
}

/** What a client has read once its answer is complete. */
function heard(socket: Socket, end: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.endsWith(end)) resolve(text);
    });
  });
}

class Told implements Sender {
  unread: number | undefined;
  constructor(readonly response: ServerResponse) {}
  handedOver(): void {
    this.unread = this.response.writableLength;
  }
}

function head(response: ServerResponse, body: string): Buffer {
  const bytes = Buffer.from(body);
  response.writeHead(200, { 'content-length': bytes.length });
  return bytes;
}

describe('an answer that departs', () => {
  it('leaves at the end of the turn in which it was ready, as all others of that turn do', async () => {
    const clients = await waiting(3);
    const answers = clients.map(({ socket }, index) => heard(socket, `answer ${index}`));
    for (const [index, { response }] of clients.entries()) depart(response, head(response, `answer ${index}`));
    expect(clients.map(({ response }) => response.writableEnded)).toEqual([false, false, false]);
    await endOfTurn();
    expect(clients.map(({ response }) => response.writableEnded)).toEqual([true, true, true]);
    for (const answer of answers) expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('without a body is over with its head', async () => {
    const [{ socket, response }] = await waiting(1);
    const answer = heard(socket, '\r\n\r\n');
    response.writeHead(202, { 'content-length': 0 });
    depart(response);
    expect(await answer).toMatch(/^HTTP\/1\.1 202 Accepted\r\n/);
  });

  it('tells its sender when it was handed over, and what the client has not taken', async () => {
    const clients = await waiting(2);
    const [small, large] = clients.map(({ response }) => new Told(response)) as [Told, Told];
    depart(small.response, head(small.response, 'small'), small);
    clients[1].socket.pause();
    depart(large.response, head(large.response, 'x'.repeat(40_000_000)), large);
    expect([small.unread, large.unread]).toEqual([undefined, undefined]);
    await endOfTurn();
    expect(small.unread).toBe(0);
    expect(large.unread).toBeGreaterThan(0);
  });

  it('whose client went away in the same turn is dropped', async () => {
    const [{ response }] = await waiting(1);
    const told = new Told(response);
    depart(response, head(response, 'nobody is there'), told);
    response.destroy();
    await endOfTurn();
    expect(told.unread).toBeUndefined();
    expect(response.writableEnded).toBe(false);
  });

  it('that cannot be written ends its connection, and keeps no other from leaving', async () => {
    const [first, second] = await waiting(2);
    const closed = new Promise((resolve) => first.socket.on('close', resolve));
    const answer = heard(second.socket, 'the other');
    first.response.end = () => {
      throw new Error('cannot be written');
    };
    depart(first.response, head(first.response, 'the one'));
    depart(second.response, head(second.response, 'the other'));
    expect(await answer).toContain('200 OK');
    await closed;
  });
});
