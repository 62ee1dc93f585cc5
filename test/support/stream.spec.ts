import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { postModern, type StreamMessage } from './stream.js';
import { Cleanup } from './wait.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.close());

const ANSWER = { jsonrpc: '2.0', id: 1, result: { text: 'grüße' } };
const NOTE = { jsonrpc: '2.0', method: 'notifications/message', params: { text: 'grüße' } };

/** What is collected from a server that answers with these pieces, each of which arrives by itself. */
async function collected(type: string, pieces: readonly (string | Buffer)[]): Promise<readonly StreamMessage[]> {
  const server = createServer((_request, response) => void answer(response, type, pieces));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanup.add({ close: () => server.close() });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { ended, messages } = await postModern(url, 'tools/call', { name: 'x' }, {}, cleanup);
  await ended;
  return messages.items;
}

async function answer(response: ServerResponse, type: string, pieces: readonly (string | Buffer)[]): Promise<void> {
  response.writeHead(200, { 'content-type': type });
  for (const piece of pieces) {
    await new Promise((resolve) => response.write(piece, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

const bytes = (text: string): Buffer[] => [...Buffer.from(text)].map((byte) => Buffer.of(byte));

it('takes in a plain JSON body', async () => {
  expect(await collected('application/json', [JSON.stringify(ANSWER)])).toEqual([ANSWER]);
  expect(await collected('application/json', bytes(JSON.stringify(ANSWER)))).toEqual([ANSWER]);
});

it('takes in events, however they are cut', async () => {
  const events = [NOTE, ANSWER].map((message) => `event: message\ndata: ${JSON.stringify(message)}\n\n`);
  expect(await collected('text/event-stream', events)).toEqual([NOTE, ANSWER]);
  expect(await collected('text/event-stream', bytes(events.join('')))).toEqual([NOTE, ANSWER]);
});
