import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EgressGuard } from '#libs/egress';
import type { Connection, ReplySink, UpstreamTarget } from '#libs/plugin';
import { testTarget } from '../../testing/index.js';
import { type Got, ScriptedServer, sendJson } from '../../testing/scripted-server.js';
import { StreamableHttpTransport } from './streamable-http.transport.js';

let transport: StreamableHttpTransport;
let server: ScriptedServer;
let answer: (got: Got, response: ServerResponse) => void;
let target: UpstreamTarget;
let connection: Connection;
let token: string;

beforeEach(async () => {
  transport = new StreamableHttpTransport(new EgressGuard());
  server = await ScriptedServer.start((got, response) => answer(got, response));
  target = testTarget({ name: 'big', url: `${server.origin}/mcp` });
  token = 'old';
  connection = await transport.connect(target, {
    listener: { onMessage() {}, onClose() {} },
    headers: () => ({ authorization: token }),
    refused: () => {
      token = 'new';
      return true;
    },
    signal: new AbortController().signal,
  });
});

afterEach(async () => {
  answer = (_got, response) => response.end();
  await connection.close();
  await transport.release(target);
  await server.close();
});

const TEXT = Array.from({ length: 150_000 }, (_, i) => String(i % 10_000).padStart(4, '0')).join('');

function send(pieces: readonly Buffer[]): { got: Promise<string>; body: string; bytes: () => number } {
  const body = Buffer.concat(pieces);
  let signs = 0;
  const got = new Promise<string>((resolve, reject) => {
    const sink: ReplySink = {
      onMessage: (bytes) => resolve(bytes.toString()),
      onError: reject,
      onBytes: () => signs++,
    };
    connection.send({ id: 1, method: 'tools/call', body, pieces }, sink);
  });
  return { got, body: body.toString(), bytes: () => signs };
}

const PIECES = [Buffer.from('{"jsonrpc":"2.0","id":1,"text":"'), Buffer.from(TEXT), Buffer.from(''), Buffer.from('"}')];
const ANSWER = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { text: TEXT } });

describe('a request in pieces', () => {
  it('arrives as one message of known length', async () => {
    answer = (_got, response) => sendJson(response, '{"jsonrpc":"2.0","id":1,"result":{}}');
    const { body, got } = send(PIECES);
    expect(await got).toBe('{"jsonrpc":"2.0","id":1,"result":{}}');
    const { headers, body: arrived } = server.got[0] as Got;
    expect(arrived === body).toBe(true);
    expect(headers['content-length']).toBe(String(body.length));
    expect(headers['transfer-encoding']).toBeUndefined();
  });

  it('is sent whole again with another credential', async () => {
    answer = ({ headers }, response) => {
      if (headers.authorization === 'old') response.writeHead(401).end();
      else sendJson(response, '{"jsonrpc":"2.0","id":1,"result":{}}');
    };
    const { body, got } = send(PIECES);
    await got;
    expect(server.got.map(({ headers }) => headers.authorization)).toEqual(['old', 'new']);
    expect(server.got.every(({ body: arrived }) => arrived === body)).toBe(true);
  });
});

describe('a large answer', () => {
  it.each([
    ['of announced length', true],
    ['of unknown length', false],
  ])('%s arrives whole, again and again', async (_how, announced) => {
    answer = (_got, response) => {
      const length = announced ? { 'content-length': String(ANSWER.length) } : {};
      response.writeHead(200, { 'content-type': 'application/json', ...length });
      const bytes = Buffer.from(ANSWER);
      for (let at = 0; at < bytes.length; at += 50_000) response.write(bytes.subarray(at, at + 50_000));
      response.end();
    };
    for (let round = 0; round < 3; round++) {
      const { got, bytes } = send(PIECES);
      expect((await got) === ANSWER).toBe(true);
      expect(bytes()).toBeGreaterThan(0);
    }
  });
});
