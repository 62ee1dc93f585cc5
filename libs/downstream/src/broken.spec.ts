import { describe, expect, it } from 'vitest';
import { TestClient } from './testing/client.js';
import { gateways } from './testing/gateways.js';
import { raw } from './testing/http.js';

const start = gateways();

describe('what is no HTTP request', () => {
  it.each([
    ['no head at all', '\x16\x03\x01\x02', 400, 'INVALID_REQUEST'],
    ['a header without a colon', 'GET /mcp HTTP/1.1\r\nhost\r\n\r\n', 400, 'INVALID_REQUEST'],
    [
      'two lengths',
      'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}',
      400,
      'INVALID_REQUEST',
    ],
    [
      'a head without end',
      `GET /mcp HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      431,
      'HEADERS_TOO_MANY',
    ],
  ])('%s is answered from the catalogue, and the connection given up', async (_what, text, status, code) => {
    const { url } = await start();
    const [head = '', body = ''] = (await raw(url, text)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\r\ncontent-type: application/json\r\n`));
    expect(head).toContain('connection: close');
    expect(JSON.parse(body)).toMatchObject({
      jsonrpc: '2.0',
      error: { data: { code, requestId: expect.any(String) } },
    });
  });

  it.each([
    ['/mcp/%zz', 400, 'INVALID_REQUEST'],
    ['/mcp/%C0%AF', 400, 'INVALID_REQUEST'],
    [`/mcp/${'x'.repeat(300)}`, 414, 'URI_TOO_LONG'],
  ])(
    'a path that leads nowhere is answered from the catalogue, and not repeated: %.20s',
    async (path, status, code) => {
      const { url } = await start();
      const [head = '', body = ''] = (await raw(url, `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)).split(
        '\r\n\r\n',
      );
      expect(head).toContain(`HTTP/1.1 ${status} `);
      expect(head).toContain('x-request-id: ');
      expect(JSON.parse(body)).toMatchObject({ jsonrpc: '2.0', error: { data: { code } } });
      expect(body).not.toContain(path.slice(5, 12));
    },
  );

  it('says nothing into a stream that has begun', async () => {
    const { url } = await start();
    const { session } = await TestClient.open(url);
    const head = ['GET /mcp HTTP/1.1', 'host: localhost', 'accept: text/event-stream', `mcp-session-id: ${session}`];
    // Seven bytes are announced, and the client says that nothing follows.
    const received = await raw(url, `${head.join('\r\n')}\r\ncontent-length: 7\r\n\r\n`);
    expect(received).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(received.match(/HTTP\/1.1/g)).toHaveLength(1);
  });
});
