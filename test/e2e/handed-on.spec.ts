import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bearer, callLabelled, callsAt, credentialsOf, spawnCredentialed, tokenFor } from '../support/credentialed.js';
import { listedFor, spawnGateway, toolNames } from '../support/gateway.js';
import { IdentityProvider } from '../support/idp.js';
import { initializeBody, RawSession, http as raw } from '../support/raw.js';
import { type Arrival, RecordingUpstream } from '../support/recording-upstream.js';
import { http } from '../support/upstreams.js';
import { Cleanup, until } from '../support/wait.js';

const servers = new Cleanup();
const cleanup = new Cleanup();
let idp: IdentityProvider;

beforeAll(async () => {
  idp = servers.add(await IdentityProvider.start());
});
afterEach(() => cleanup.close());
afterAll(() => servers.close());

const recorder = async (options: Parameters<typeof RecordingUpstream.start>[0] = {}) =>
  cleanup.add(await RecordingUpstream.start(options));
const guarded = async (auth: object, upstream: RecordingUpstream, more: object = {}) =>
  cleanup.add(await spawnCredentialed(idp, upstream, auth, more));

describe('unsafe_passthrough', () => {
  const block = { type: 'unsafe_passthrough', i_understand: true, audience: ['n8n-api'] };
  const HEADER = 'x-upstream-authorization-n8n';

  it('hands on the token brought for the upstream, by call, and never the one for the gateway', async () => {
    const upstream = await recorder({ era: 'legacy' });
    const gateway = await guarded(block, upstream);
    expect(gateway.output()).toMatch(/hands tokens of clients to this upstream/);
    const token = tokenFor(idp, gateway, 'alice');
    const brought = [1, 2].map((n) => idp.mint({ sub: 'alice', aud: 'n8n-api', jti: `j${n}` }));
    const headers = { ...bearer(token), [HEADER]: `Bearer ${brought[0]}` };
    const session = await RawSession.open(gateway.mcp(), { headers });
    await until('the tools are listed', async () => (await toolNames(session)).includes('n8n:read'));
    await callLabelled(session, 'one');
    await callLabelled(session.at(session.url, { ...headers, [HEADER]: `Bearer ${brought[1]}` }), 'two');
    expect(credentialsOf(callsAt(upstream))).toEqual(brought.map((jwt) => `Bearer ${jwt}`));
    expect(JSON.stringify(upstream.journal.arrivals.items)).not.toContain(token);
    expect(JSON.stringify(upstream.journal.arrivals.items)).not.toContain(HEADER);
    for (const jwt of [token, ...brought]) expect(gateway.output()).not.toContain(jwt);
    // Without it the call fails, and nothing goes in its place.
    upstream.journal.forget();
    for (const value of [undefined, `Bearer ${token}`, `Bearer ${idp.mint({ aud: 'other' })}`, 'Bearer opaque']) {
      const { error, result } = await callLabelled(
        session.at(session.url, { ...bearer(token), ...(value !== undefined && { [HEADER]: value }) }),
        'never',
      );
      expect(JSON.stringify(error ?? result)).toMatch(/X-Upstream-Authorization-n8n/);
    }
    expect(callsAt(upstream)).toEqual([]);
    await session.close();
  });

  it('T031: a caller the gateway does not know stays unknown, whatever it brings for an upstream', async () => {
    const upstream = await recorder({ era: 'legacy' });
    const gateway = await guarded(block, upstream);
    const good = { [HEADER]: `Bearer ${idp.mint({ sub: 'alice', aud: 'n8n-api' })}` };
    const expired = idp.mint({ sub: 'alice', aud: `${gateway.url}/mcp`, exp: 1_000_000_000 });
    for (const headers of [
      good,
      { ...good, ...bearer('garbage') },
      { ...good, ...bearer(expired) },
      { ...good, ...bearer(idp.mint({ sub: 'alice', aud: 'n8n-api' })) },
      { ...good, authorization: 'Basic YTpi' },
    ]) {
      expect((await raw(gateway.mcp(), { headers, body: initializeBody() })).status).toBe(401);
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'n8n:read' } });
      expect((await raw(gateway.mcp(), { headers, body })).status).toBe(401);
    }
    expect(upstream.journal.arrivals.items).toEqual([]);
    const fine = { ...good, ...bearer(tokenFor(idp, gateway, 'alice')) };
    expect((await raw(gateway.mcp(), { headers: fine, body: initializeBody() })).status).toBe(200);
  });
});

describe('headers that are passed on', () => {
  it('are those of the configuration, with each call, and replace nothing', async () => {
    const upstream = await recorder({ era: 'legacy' });
    const auth = { type: 'header', header: 'x-api-key', value: 'the-api-key-0123456789' };
    const gateway = await guarded(auth, upstream, { forward_headers: ['X-Tenant', 'accept-language'] });
    const alice = bearer(tokenFor(idp, gateway, 'alice'));
    await listedFor(alice, gateway, 'n8n');
    const session = await RawSession.open(gateway.mcp(), { headers: { ...alice, 'x-tenant': 'acme' } });
    await callLabelled(session, 'one');
    const evil = {
      x_tenant: 'evil',
      'x-api-key': 'evil',
      'x-other': 'evil',
      'x-forwarded-for': '6.6.6.6',
      via: 'evil',
    };
    await callLabelled(session.at(session.url, { ...alice, ...evil, 'x-tenant': 'grün' }), 'two');
    await session.close();
    const [one, two] = callsAt(upstream) as [Arrival, Arrival];
    expect(one.headers).toMatchObject({ 'x-tenant': 'acme', 'x-api-key': 'the-api-key-0123456789' });
    expect(two.headers['x-tenant']).toBeUndefined();
    expect(JSON.stringify(two.rawHeaders)).not.toMatch(/evil|6\.6\.6\.6/);
    for (const { headers } of upstream.journal.arrivals.items)
      expect(headers['x-api-key']).toBe('the-api-key-0123456789');
  });
});

describe('proxy.egress', () => {
  it('T136: keeps the gateway from upstreams it denies, at once when the file says so, and ignores proxies of the environment', async () => {
    const upstream = await recorder({ era: 'legacy' });
    const trap = await recorder();
    const config = {
      servers: [http('n8n', upstream.url), http('named', upstream.url.replace('127.0.0.1', 'localhost'))],
    };
    const proxy = new URL(trap.url).origin;
    const proxies = { HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy, NODE_USE_ENV_PROXY: '1' };
    const gateway = cleanup.add(await spawnGateway(config, { env: proxies }));
    await listedFor({}, gateway, 'n8n', 'named');
    const session = await RawSession.open(gateway.mcp());
    expect((await callLabelled(session, 'before')).result).toBeDefined();
    gateway.rewrite({ ...config, proxy: { egress: { allow_private: true, deny: ['127.0.0.0/8', '::1'] } } });
    for (const name of ['n8n', 'named']) {
      await until(`${name} is out of reach`, async () => {
        const { error, result } = await session.request('tools/call', { name: `${name}:read`, arguments: {} });
        return /does not contact|temporarily unavailable.*does not contact/.test(JSON.stringify(error ?? result));
      });
    }
    upstream.journal.forget();
    await callLabelled(session, 'after');
    expect(upstream.journal.arrivals.items).toEqual([]);
    gateway.rewrite(config);
    await until('it is back', async () => {
      await callLabelled(session, 'again');
      return callsAt(upstream).length > 0;
    });
    expect(trap.journal.arrivals.items).toEqual([]);
    await session.close();
  });
});
