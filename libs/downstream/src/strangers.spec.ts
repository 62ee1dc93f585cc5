import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestGateway } from './testing/gateway.js';
import { as, HeaderUsers } from './testing/header-users.js';
import { raw, send } from './testing/http.js';

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

describe('callers without good credentials', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await TestGateway.start({ providers: [new HeaderUsers()] });
  });
  afterAll(() => gateway.close());

  it.each([
    ['POST', LIST],
    ['GET', undefined],
    ['DELETE', undefined],
  ])('get 401 for %s, whatever session they name', async (method, body) => {
    for (const headers of [{}, { authorization: 'Bearer x' }, { 'mcp-session-id': 'g1.aaaaaa.bbbb' }]) {
      const answer = await send(gateway.url, { method, body, headers });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
      expect(answer.json).toMatchObject({
        code: 'authorization' in headers ? 'TOKEN_INVALID' : 'UNAUTHENTICATED',
        request_id: answer.headers['x-request-id'],
      });
      expect(answer.text).not.toContain('malformed');
    }
  });

  it('get 401 on every route that is not marked public', async () => {
    expect((await send(gateway.url, { path: '/private' })).status).toBe(401);
    expect((await send(gateway.url, { path: '/private', headers: as('ann') })).status).toBe(200);
    expect((await send(gateway.url, { path: '/live' })).status).toBe(200);
  });

  it('are refused for their host before their credentials are looked at', async () => {
    expect((await send(gateway.url, { body: LIST, headers: { host: 'evil.example' } })).status).toBe(403);
  });

  it('are refused for their credentials before the body and its type are looked at', async () => {
    for (const type of ['text/plain', 'nonsense']) {
      const answer = await send(gateway.url, { body: '{', headers: { 'content-type': type } });
      expect(answer.status).toBe(401);
      expect(answer.headers['x-request-id']).toBeTruthy();
    }
  });

  it('may be told to come back when credentials cannot be checked', async () => {
    const answer = await send(gateway.url, { body: LIST, headers: as('down') });
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('7');
  });

  it('may still ask which origins and methods are allowed', async () => {
    expect((await send(gateway.url, { method: 'OPTIONS' })).status).toBe(204);
  });

  it('are answered before more than a little of a 20 MiB body is read', async () => {
    const accepted: Socket[] = [];
    gateway.app.getHttpServer().once('connection', (socket: Socket) => void accepted.push(socket));
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    const size = 20 * 1024 * 1024;
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${size}\r\n\r\n`;
    socket.write(head);
    socket.write(Buffer.alloc(256 * 1024, 0x20));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /);
    expect(accepted[0]?.bytesRead).toBeLessThanOrEqual(512 * 1024);
    socket.destroy();
    await once(socket, 'close');
  });

  it('can send a pipelined second request after a refused one', async () => {
    const request =
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
    const answers = await raw(
      gateway.url,
      request + request.replace('HTTP/1.1\r\n', 'HTTP/1.1\r\nConnection: close\r\n'),
    );
    expect(answers.match(/HTTP\/1\.1 401 /g)).toHaveLength(2);
  });
});
