import { describe, expect, it } from 'vitest';
import type { TestGatewayOptions } from './testing/gateway.js';
import { gateways } from './testing/gateways.js';
import { HeaderUsers } from './testing/header-users.js';
import { raw, send } from './testing/http.js';

const start = gateways();
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

const protectedBy: TestGatewayOptions = {
  providers: [new HeaderUsers()],
  server: (config) => {
    config.url = 'https://GW.example/';
    config.cors.allowed_origins = ['https://ui.example'];
  },
  oauth: (config) => {
    config.enabled = true;
    config.authorization_servers = ['https://idp.example/one', 'https://idp.example/two/'];
    config.scopes_supported = ['mcp', 'offline_access'];
  },
};

describe('protected-resource metadata', () => {
  it.each([
    ['', 'https://gw.example/mcp'],
    ['/mcp', 'https://gw.example/mcp'],
    ['/mcp/files', 'https://gw.example/mcp/files'],
    ['/mcp/nowhere', 'https://gw.example/mcp/nowhere'],
  ])('at %s names the resource %s and who issues tokens for it', async (path, resource) => {
    const { url } = await start({}, protectedBy);
    const answer = await send(url, { path: WELL_KNOWN + path });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      resource,
      authorization_servers: ['https://idp.example/one', 'https://idp.example/two/'],
      scopes_supported: ['mcp'],
      bearer_methods_supported: ['header'],
      resource_name: 'MCP Gateway',
    });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'public, max-age=300',
      'access-control-allow-origin': '*',
    });
  });

  it('is the configured resource everywhere when there is one', async () => {
    const { url } = await start({}, protectedBy);
    const other = await start(
      {},
      {
        ...protectedBy,
        oauth: (config) => {
          protectedBy.oauth?.(config);
          config.resource = 'https://gw.example';
        },
      },
    );
    const resources = await Promise.all(
      ['', '/mcp', '/mcp/files'].map(
        async (path) => (await send(other.url, { path: WELL_KNOWN + path })).json.resource,
      ),
    );
    expect(resources).toEqual(Array(3).fill('https://gw.example'));
    expect((await send(url, { path: `${WELL_KNOWN}/mcp` })).json.resource).toBe('https://gw.example/mcp');
  });

  it('is found by clients that append the path of the public URL', async () => {
    const { url } = await start(
      {},
      { ...protectedBy, server: (config) => void Object.assign(config, { url: 'http://localhost/team' }) },
    );
    for (const path of ['/team/mcp/files', '/mcp/files']) {
      const answer = await send(url, { path: WELL_KNOWN + path });
      expect(answer.json.resource).toBe('http://localhost/team/mcp/files');
    }
    expect((await send(url, { path: `${WELL_KNOWN}/teammcp` })).status).toBe(404);
  });

  it('can be asked for with HEAD and OPTIONS, and with nothing else', async () => {
    const { url } = await start({}, protectedBy);
    const path = `${WELL_KNOWN}/mcp`;
    const head = await send(url, { path, method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(Number(head.headers['content-length'])).toBeGreaterThan(50);
    expect(head.text).toBe('');
    const options = await send(url, {
      path,
      method: 'OPTIONS',
      headers: { origin: 'https://ui.example', 'access-control-request-headers': 'mcp-protocol-version' },
    });
    expect(options.status).toBe(204);
    expect(options.headers).toMatchObject({
      allow: 'GET, HEAD, OPTIONS',
      'access-control-allow-origin': '*',
      'access-control-allow-headers': '*',
    });
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const refused = await send(url, { path, method, ...(method === 'POST' && { body: {} }) });
      expect(refused.status).toBe(405);
      expect(refused.headers['allow']).toBe('GET, HEAD, OPTIONS');
      expect(refused.json.error).toBe('method_not_allowed');
    }
  });

  it.each([
    `${WELL_KNOWN}/mcp/no_where`,
    `${WELL_KNOWN}/mcp/__proto__`,
    `${WELL_KNOWN}/mcp/`,
    `${WELL_KNOWN}/mcp/files/x`,
    `${WELL_KNOWN}/`,
    `${WELL_KNOWN}x`,
    `${WELL_KNOWN}/private`,
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/.well-known/x',
  ])('does not exist at %s: 404 in JSON, to everybody the same', async (path) => {
    const { url } = await start({}, protectedBy);
    for (const method of ['GET', 'POST']) {
      const answer = await send(url, { path, method, ...(method === 'POST' && { body: {} }) });
      expect(answer.status).toBe(404);
      expect(answer.json).toEqual({ error: 'not_found', error_description: 'There is no such document' });
      expect(answer.headers['x-request-id']).toBeTruthy();
    }
  });

  it('does not exist while OAuth is off, and comes and goes with the configuration', async () => {
    const gateway = await start({}, protectedBy);
    const get = () => send(gateway.url, { path: `${WELL_KNOWN}/mcp` });
    const { current } = gateway.oauth;
    gateway.oauth.replace(Object.assign(Object.create(Object.getPrototypeOf(current)), current, { enabled: false }));
    const off = await get();
    expect(off.status).toBe(404);
    expect(off.json.error).toBe('not_found');
    gateway.oauth.replace(current);
    const server = gateway.server.current;
    gateway.server.replace(
      Object.assign(Object.create(Object.getPrototypeOf(server)), server, { url: 'https://new.example' }),
    );
    expect((await get()).json.resource).toBe('https://new.example/mcp');
  });
});

describe('T008: what requests say of hosts and proxies', () => {
  const lies = {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'gopher',
    'x-forwarded-for': '6.6.6.6',
    'x-forwarded-port': '666',
    forwarded: 'host=evil.example;proto=gopher',
    'x-original-url': '/evil',
  };

  it('changes neither metadata nor challenges', async () => {
    const { url, log } = await start({}, protectedBy);
    const honest = await send(url, { path: `${WELL_KNOWN}/mcp` });
    const lying = await send(url, { path: `${WELL_KNOWN}/mcp`, headers: { ...lies, host: 'localhost:666' } });
    expect(lying.text).toBe(honest.text);
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    const refused = await send(url, { body, headers: { ...lies, host: 'gw.example:666' } });
    expect(refused.headers['www-authenticate']).toBe(
      `Bearer resource_metadata="https://gw.example${WELL_KNOWN}/mcp", scope="mcp"`,
    );
    expect(refused.text).not.toContain('evil');
    expect(log.at(-1)?.fields).toMatchObject({ code: 'UNAUTHENTICATED', remoteAddress: '127.0.0.1' });
  });

  it('is checked for metadata like everywhere else', async () => {
    const { url } = await start({}, protectedBy);
    for (const headers of [{ host: 'evil.example' }, { origin: 'https://evil.example' }]) {
      expect((await send(url, { path: WELL_KNOWN, headers })).status).toBe(403);
    }
    const head = 'HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    expect(await raw(url, `GET http://evil.example${WELL_KNOWN} ${head}`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await raw(url, `GET http://localhost${WELL_KNOWN} ${head}`)).toMatch(/^HTTP\/1\.1 200 /);
  });
});
