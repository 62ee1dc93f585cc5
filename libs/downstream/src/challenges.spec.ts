import { describe, expect, it } from 'vitest';
import { GatewayError } from '#libs/kernel';
import type { AuthOutcome } from '#libs/plugin';
import { TestClient } from './testing/client.js';
import { type FakeHandler, progress } from './testing/fake-proxy.js';
import type { TestGatewayOptions } from './testing/gateway.js';
import { gateways } from './testing/gateways.js';
import { as, HeaderUsers } from './testing/header-users.js';
import { type Answer, send } from './testing/http.js';
import { ModernClient } from './testing/modern-client.js';

const start = gateways();
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const METADATA = 'https://gw.example/.well-known/oauth-protected-resource';

/** `Authorization: Two` cannot be credentials at all. */
class Strict extends HeaderUsers {
  override authenticate(credentials: Parameters<HeaderUsers['authenticate']>[0]): AuthOutcome {
    if (credentials.headers['authorization'] === 'Two') return { kind: 'malformed', reason: 'no scheme' };
    return super.authenticate(credentials);
  }
}

const guarded: TestGatewayOptions = {
  providers: [new Strict()],
  server: (config) => {
    config.url = 'https://gw.example';
    config.cors.allowed_origins = ['https://ui.example'];
  },
  oauth: (config) => {
    config.enabled = true;
    config.authorization_servers = ['https://idp.example'];
    config.scopes_supported = ['mcp', 'tools'];
  },
};

const stepUp: FakeHandler = () => {
  throw new GatewayError('INSUFFICIENT_SCOPE', 'files:delete needs more', { data: { scopes: ['a:read', 'a:write'] } });
};
const STEP_UP = `Bearer error="insufficient_scope", scope="a:read a:write", resource_metadata="${METADATA}/mcp", error_description="Additional scope required"`;

function expectOauth(answer: Answer, status: number, error: string, code: string) {
  expect(answer.status).toBe(status);
  expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
  expect(answer.json).toEqual({
    error,
    error_description: expect.any(String),
    code,
    request_id: answer.headers['x-request-id'],
  });
}

describe('a request without good credentials', () => {
  it.each([
    ['/mcp', '/mcp'],
    ['/mcp/files', '/mcp/files'],
    ['/mcp/nowhere', '/mcp/nowhere'],
    ['/mcp?x=1', '/mcp'],
    ['/%6dcp', ''],
    ['/private', ''],
  ])('at %s is told where the metadata of %s is', async (path, endpoint) => {
    const { url } = await start({}, guarded);
    const answer = await send(url, { path, ...(path !== '/private' && { body: LIST }) });
    expectOauth(answer, 401, 'unauthorized', 'UNAUTHENTICATED');
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer resource_metadata="${METADATA}${endpoint}", scope="mcp tools"`,
    );
  });

  it.each(['POST', 'GET', 'DELETE'])('is refused with one text for every bad token: %s', async (method) => {
    const { url, proxy } = await start({}, guarded);
    const seen = new Set<string>();
    for (const authorization of ['Bearer expired', 'Bearer forged', 'Basic x']) {
      const answer = await send(url, { method, headers: { authorization }, ...(method === 'POST' && { body: LIST }) });
      expectOauth(answer, 401, 'invalid_token', 'TOKEN_INVALID');
      seen.add(String(answer.headers['www-authenticate']));
      seen.add(answer.text.replace(String(answer.headers['x-request-id']), ''));
      expect(answer.text).not.toContain('malformed');
    }
    expect(seen.size).toBe(2);
    expect(seen).toContain(
      `Bearer error="invalid_token", error_description="The access token is invalid", resource_metadata="${METADATA}/mcp", scope="mcp tools"`,
    );
    expect(proxy.handled).toEqual([]);
  });

  it('is malformed when nothing can be made of its credentials', async () => {
    const { url } = await start({}, guarded);
    const answer = await send(url, { body: LIST, headers: { authorization: 'Two' } });
    expectOauth(answer, 400, 'invalid_request', 'CREDENTIALS_MALFORMED');
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer error="invalid_request", resource_metadata="${METADATA}/mcp"`,
    );
  });

  it('may come back later when nobody can judge it: no challenge, which would send every client into a login', async () => {
    const { url } = await start({}, guarded);
    const answer = await send(url, { body: LIST, headers: as('down') });
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('7');
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(answer.json.error.data.code).toBe('AUTH_UNAVAILABLE');
  });

  it('is answered so that pages of a configured origin can read it', async () => {
    const { url } = await start({}, guarded);
    const origin = 'https://ui.example';
    for (const headers of [{}, { authorization: 'Bearer x' }, { authorization: 'Two' }, as('down')]) {
      const answer = await send(url, { body: LIST, headers: { ...headers, origin } });
      expect(answer.headers['access-control-allow-origin']).toBe(origin);
      expect(answer.headers['access-control-expose-headers']).toBe(
        'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After, X-Request-Id',
      );
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    }
    for (const path of ['/nowhere', '/mcp/a/b']) {
      const missing = await send(url, { path, headers: { origin } });
      expect(missing.status).toBe(404);
      expect(missing.headers['access-control-allow-origin']).toBe(origin);
      const foreign = await send(url, { path, headers: { origin: 'https://evil.example' } });
      expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('is asked for a bearer token and nothing more where keys are all there is', async () => {
    const { url } = await start({}, { providers: [new Strict()] });
    expect((await send(url, { body: LIST })).headers['www-authenticate']).toBe('Bearer');
    expect((await send(url, { body: LIST, headers: { authorization: 'Bearer x' } })).headers['www-authenticate']).toBe(
      'Bearer error="invalid_token", error_description="The access token is invalid"',
    );
  });
});

describe('a call that needs more scopes', () => {
  it.each([
    ['that prefers JSON', 'application/json, text/event-stream'],
    ['that prefers a stream', 'text/event-stream, application/json'],
    ['that reads JSON alone', 'application/json'],
    ['that reads streams alone', 'text/event-stream'],
  ])('is answered 403 with all of them to a client %s, in both eras', async (_what, accept) => {
    const gateway = await start({ 'tools/call': stepUp }, guarded);
    const headers = { ...as('ann'), accept };
    const legacy = await TestClient.open(gateway.url, { headers: as('ann') });
    const modern = new ModernClient(gateway.url, { headers });
    const answers = [
      await legacy.send({ headers, body: { ...LIST, method: 'tools/call', params: { name: 't' } } }),
      await modern.tool(),
    ];
    for (const answer of answers) {
      expectOauth(answer, 403, 'insufficient_scope', 'INSUFFICIENT_SCOPE');
      expect(answer.headers['www-authenticate']).toBe(STEP_UP);
      expect(answer.text).not.toContain('delete');
    }
  });

  it('is an error in band within a batch, and once the answer is a stream', async () => {
    const late: FakeHandler = (exchange, request) => {
      progress(exchange, 1);
      return stepUp(exchange, request);
    };
    const gateway = await start({ 'tools/call': stepUp, late }, guarded);
    const client = await TestClient.open(gateway.url, { headers: as('ann'), version: '2025-03-26' });
    const call = { ...LIST, method: 'tools/call', params: { name: 't' } };
    const batch = await client.send({ body: [call, { ...LIST, id: 2, method: 'ping' }] });
    expect(batch.status).toBe(200);
    expect(batch.headers['www-authenticate']).toBeUndefined();
    const inBand = { code: 'INSUFFICIENT_SCOPE', scopes: ['a:read', 'a:write'] };
    expect(batch.json).toContainEqual(
      expect.objectContaining({ id: 1, error: expect.objectContaining({ data: expect.objectContaining(inBand) }) }),
    );
    const stream = await client.stream('late', undefined, 'l');
    expect((await stream.rest()).at(-1)).toMatchObject({ id: 'l', error: { data: inBand } });
  });

  it('is refused without a challenge when no scope would help', async () => {
    const denied: FakeHandler = () => {
      throw new GatewayError('ACCESS_DENIED', 'files:delete is not for you');
    };
    const gateway = await start({ 'tools/call': denied }, guarded);
    const answer = await new ModernClient(gateway.url, { headers: as('ann') }).tool();
    expectOauth(answer, 403, 'access_denied', 'ACCESS_DENIED');
    expect(answer.headers['www-authenticate']).toBeUndefined();
  });
});

describe('what refusals leave behind', () => {
  it('is one line with the reason for operators, who it was, and no word of it for the caller', async () => {
    const { url, log } = await start({}, guarded);
    const answer = await send(url, { body: LIST, headers: { authorization: 'Bearer secret-token' } });
    const lines = log.filter(({ fields }) => fields['requestId'] === answer.headers['x-request-id']);
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'The access token is invalid',
        fields: {
          requestId: answer.headers['x-request-id'],
          code: 'TOKEN_INVALID',
          remoteAddress: '127.0.0.1',
          reason: 'malformed',
        },
      },
    ]);
    expect(JSON.stringify(log)).not.toContain('secret-token');
  });

  it('T146: is bounded, however many bad credentials and outages there are', async () => {
    const events: unknown[] = [];
    const audit = { enabled: true, record: (event: unknown) => void events.push(event) };
    const { url, log } = await start({}, { ...guarded, audit });
    const before = log.length;
    for (let round = 0; round < 4; round++) {
      const flood = Array.from({ length: 50 }, (_, n) =>
        send(url, { body: LIST, headers: n % 2 === 0 ? { authorization: `Bearer ${n}` } : as('down') }),
      );
      await Promise.all(flood);
    }
    expect(log.length - before).toBeLessThanOrEqual(100);
    expect(events[0]).toEqual({
      event: 'refused',
      requestId: expect.any(String),
      remoteAddress: '127.0.0.1',
      endpoint: '/mcp',
      method: 'POST',
      decision: 'unauthenticated',
      outcome: 'refused',
      code: 'TOKEN_INVALID',
    });
  });
});

describe('a provider', () => {
  it('that throws lets nobody in', async () => {
    const broken = {
      authenticate(): AuthOutcome {
        throw new Error('bug');
      },
    };
    const { url, proxy } = await start({}, { ...guarded, providers: [broken] });
    expect((await send(url, { body: LIST })).status).toBe(503);
    expect(proxy.handled).toEqual([]);
  });
});
