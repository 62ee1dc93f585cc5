import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeResult } from '#libs/mcp';
import { sendJson } from './answers.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** What a client reads of an answer. */
async function answered(send: Parameters<typeof sendJson>[2]): Promise<{ length: string | null; body: Buffer }> {
  const server = createServer((_request, response) => sendJson(response, 200, send));
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return { length: response.headers.get('content-length'), body: Buffer.from(await response.arrayBuffer()) };
}

describe('a JSON answer', () => {
  it.each([10, 4_000, 10_000, 100_000])('with a result of %d characters arrives byte for byte', async (size) => {
    const result = JSON.stringify({ text: 'ä鍵'.repeat(size / 2) });
    const expected = Buffer.from(`{"jsonrpc":"2.0","id":"schlüssel","result":${result}}`);
    const { length, body } = await answered(encodeResult('"schlüssel"', Buffer.from(result)));
    expect(body.equals(expected)).toBe(true);
    expect(length).toBe(String(expected.length));
    expect((await answered(expected)).body.equals(expected)).toBe(true);
  });
});
