import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  bearer,
  callLabelled,
  callsAt,
  credentialsOf,
  labelOf,
  spawnCredentialed,
  tokenFor,
} from '../support/credentialed.js';
import { ExchangeServer } from '../support/exchange-server.js';
import { listedFor, toolNames } from '../support/gateway.js';
import { GATEWAY, IdentityProvider } from '../support/idp.js';
import { RawSession } from '../support/raw.js';
import { RecordingUpstream } from '../support/recording-upstream.js';
import { Cleanup, until } from '../support/wait.js';

const servers = new Cleanup();
const cleanup = new Cleanup();
let idp: IdentityProvider;
let exchange: ExchangeServer;

beforeAll(async () => {
  idp = servers.add(await IdentityProvider.start());
  exchange = servers.add(await ExchangeServer.start());
});
afterEach(async () => {
  await cleanup.close();
  exchange.asked.length = 0;
  exchange.barred.clear();
});
afterAll(() => servers.close());

const recorder = async (options: Parameters<typeof RecordingUpstream.start>[0] = {}) =>
  cleanup.add(await RecordingUpstream.start(options));
const guarded = async (auth: object, upstream: RecordingUpstream) =>
  cleanup.add(await spawnCredentialed(idp, upstream, auth));

describe('client credentials, from a real provider', () => {
  const account = (upstream: RecordingUpstream) => ({
    type: 'oauth-client-credentials',
    client_id: GATEWAY.id,
    client_secret: GATEWAY.secret,
    scopes: ['n8n:read'],
    resource: upstream.url,
  });
  const claims = (header = '') =>
    JSON.parse(Buffer.from(header.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

  it('go with every request to the upstream, and nothing of the client’s own does', async () => {
    const upstream = await recorder();
    idp.serve(upstream.url);
    const gateway = await guarded({ ...account(upstream), token_url: idp.tokenUrl }, upstream);
    const alice = bearer(tokenFor(idp, gateway, 'alice'));
    await listedFor(alice, gateway, 'n8n');
    const session = await RawSession.open(gateway.mcp(), { headers: { ...alice, cookie: 'c=1', dpop: 'd' } });
    expect((await callLabelled(session, 'x')).result).toBeDefined();
    await session.close();
    for (const { headers } of upstream.journal.arrivals.items) {
      expect(claims(headers.authorization)).toMatchObject({
        client_id: GATEWAY.id,
        aud: upstream.url,
        scope: 'n8n:read',
      });
      expect(headers.cookie ?? headers['dpop']).toBeUndefined();
    }
    expect(gateway.output()).not.toContain(GATEWAY.secret);
    expect(gateway.output()).not.toContain(upstream.journal.arrivals.items[0]?.headers.authorization?.slice(7));
  });

  it('are found from the upstream’s own metadata, and replaced when the upstream refuses them', async () => {
    let refuse: string | undefined;
    const upstream: RecordingUpstream = await recorder({
      intercept: ({ url, headers }, response) => {
        if (url === '/.well-known/oauth-protected-resource/mcp') {
          const document = { resource: upstream.url, authorization_servers: [idp.issuer] };
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
          return true;
        }
        if (headers.authorization !== undefined && headers.authorization !== refuse) return false;
        response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
        return true;
      },
    });
    idp.serve(upstream.url);
    const block = { ...account(upstream), token_url: null, issuer: idp.issuer };
    const gateway = await guarded(block, upstream);
    const alice = bearer(tokenFor(idp, gateway, 'alice'));
    await listedFor(alice, gateway, 'n8n');
    const session = await RawSession.open(gateway.mcp(), { headers: alice });
    await callLabelled(session, 'first');
    refuse = credentialsOf(callsAt(upstream))[0];
    expect((await callLabelled(session, 'second')).result).toBeDefined();
    await session.close();
    const [first, refused, again] = credentialsOf(callsAt(upstream));
    expect([refused === first, again === first, claims(again)['aud']]).toEqual([true, false, upstream.url]);
  });
});

describe('token exchange', () => {
  const block = (more: object = {}) => ({
    type: 'token-exchange',
    token_url: exchange.tokenUrl,
    client_id: 'gateway',
    client_secret: 'exchange-client-secret-0123456789',
    audience: 'n8n-api',
    ...more,
  });
  const discovery = () => ({
    type: 'oauth-client-credentials',
    token_url: exchange.tokenUrl,
    client_id: 'discoverer',
    client_secret: 'discovery-client-secret-012345',
  });

  it('gives the upstream a token of the caller, whose own goes to the authorization server only', async () => {
    const upstream = await recorder();
    const gateway = await guarded(block({ discovery: discovery() }), upstream);
    const tokens = { alice: tokenFor(idp, gateway, 'alice'), bob: tokenFor(idp, gateway, 'bob') };
    await listedFor(bearer(tokens.alice), gateway, 'n8n');
    const sessions = {
      alice: await RawSession.open(gateway.mcp(), { headers: bearer(tokens.alice) }),
      bob: await RawSession.open(gateway.mcp(), { headers: bearer(tokens.bob) }),
    };
    const who = ['alice', 'bob'] as const;
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => callLabelled(sessions[who[n % 2] ?? 'bob'], who[n % 2] ?? 'bob')),
    );
    const seen = callsAt(upstream);
    expect(seen).toHaveLength(40);
    for (const arrival of seen) {
      expect(arrival.headers.authorization).toMatch(new RegExp(`^Bearer for-${labelOf(arrival)}-`));
    }
    // One upstream session never serves two people.
    const owners = new Map<unknown, Set<string>>();
    for (const { headers } of seen) {
      const id = headers['mcp-session-id'];
      if (id !== undefined) owners.set(id, (owners.get(id) ?? new Set()).add(String(headers.authorization)));
    }
    for (const people of owners.values()) expect(people.size).toBe(1);
    const everything = JSON.stringify(upstream.journal.arrivals.items) + gateway.output();
    for (const token of Object.values(tokens)) expect(everything).not.toContain(token);
    expect(everything).not.toContain('client-secret-01');
    const subjects = exchange.asked.map(({ form }) => form['subject_token']).filter((subject) => subject !== undefined);
    expect([...new Set(subjects)].sort()).toEqual(Object.values(tokens).sort());
    for (const session of Object.values(sessions)) await session.close();
  });

  it('that is refused to one caller fails that caller’s calls: nobody else’s, and not the upstream', async () => {
    const upstream = await recorder();
    const gateway = await guarded(block({ discovery: discovery() }), upstream);
    const [mallory, bob] = [bearer(tokenFor(idp, gateway, 'mallory')), bearer(tokenFor(idp, gateway, 'bob'))];
    await listedFor(bob, gateway, 'n8n');
    exchange.barred.add('mallory');
    const barred = await RawSession.open(gateway.mcp(), { headers: mallory });
    const fine = await RawSession.open(gateway.mcp(), { headers: bob });
    for (let n = 0; n < 3; n++) {
      const { error, result } = await callLabelled(barred, 'mallory');
      expect(JSON.stringify(error ?? result)).toMatch(/authentication with this upstream failed: .*invalid_request/);
      expect((await callLabelled(fine, 'bob')).result).toMatchObject({ content: [{ text: 'read was called' }] });
    }
    expect(callsAt(upstream).map(labelOf)).toEqual(['bob', 'bob', 'bob']);
    expect(gateway.output()).not.toMatch(/n8n is (?:degraded|unreachable)/);
    for (const session of [barred, fine]) await session.close();
  });

  it('without a discovery block lists to each caller what is that caller’s alone', async () => {
    const upstream: RecordingUpstream = await recorder({
      intercept: ({ headers, rpc }, response) => {
        const who = /^Bearer for-([a-z]+)-/.exec(headers.authorization ?? '')?.[1];
        if (who === undefined) response.writeHead(401).end();
        else if (rpc.method === 'tools/list') {
          const tools = [{ name: `of_${who}`, inputSchema: { type: 'object' } }];
          const result = { tools, resultType: 'complete', ttlMs: 0, cacheScope: 'public' };
          const text = JSON.stringify({ jsonrpc: '2.0', id: rpc.id, result });
          response.writeHead(200, { 'content-type': 'application/json' }).end(text);
        } else return false;
        return true;
      },
    });
    const gateway = await guarded(block(), upstream);
    const sessions: RawSession[] = [];
    for (const who of ['alice', 'bob']) {
      const session = await RawSession.open(gateway.mcp(), { headers: bearer(tokenFor(idp, gateway, who)) });
      await until(`${who} is listed`, async () => (await toolNames(session)).includes(`n8n:of_${who}`));
      expect(await toolNames(session)).toEqual([`n8n:of_${who}`]);
      sessions.push(session);
    }
    const [alice, bob] = sessions as [RawSession, RawSession];
    upstream.journal.forget();
    expect((await alice.request('tools/call', { name: 'n8n:of_bob', arguments: {} })).error?.message).toMatch(
      /^Unknown tool/,
    );
    expect((await bob.request('tools/call', { name: 'n8n:of_bob', arguments: {} })).result).toBeDefined();
    expect(upstream.journal.deeds).toEqual(['tools/call of_bob']);
    // A reload makes another upstream of it: sessions go on, and their lists come back.
    gateway.rewriteText(readFileSync(gateway.file, 'utf8').replace('"n8n-api"', '"n8n-api-2"'));
    await until('the new audience is asked for', async () => {
      expect(await toolNames(alice)).toEqual(['n8n:of_alice']);
      return exchange.asked.some(({ form }) => form['audience'] === 'n8n-api-2');
    });
    expect(await toolNames(bob)).toEqual(['n8n:of_bob']);
    for (const session of sessions) await session.close();
  });
});
