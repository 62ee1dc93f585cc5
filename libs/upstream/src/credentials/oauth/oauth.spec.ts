import 'reflect-metadata';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EgressGuard } from '#libs/egress';
import { ANONYMOUS, principal, Secret } from '#libs/kernel';
import type { UpstreamCredential, UpstreamTarget } from '#libs/plugin';
import { Authority } from '../../testing/authority.js';
import { CredentialedConnection, callerOf, OauthBench } from '../../testing/credentialed.js';
import { testTarget } from '../../testing/index.js';
import { recordingLog } from '../../testing/registries.js';
import { type Got, openStream, result, ScriptedServer, sendJson } from '../../testing/scripted-server.js';
import { StreamableHttpTransport } from '../../transports/http/streamable-http.transport.js';
import { SseTransport } from '../../transports/sse/sse.transport.js';

let authority: Authority;
let upstream: ScriptedServer;
let bench: OauthBench;
let target: UpstreamTarget;
let open: CredentialedConnection[];
let logged: ReturnType<typeof recordingLog>;
/** Tokens the upstream takes. */
let good: Set<string>;
let answer: (got: Got, response: ServerResponse) => void;
const http = new StreamableHttpTransport(new EgressGuard());

const tokenOf = ({ headers }: Got) => headers.authorization?.replace(/^Bearer /, '');
const posts = () => upstream.got.filter(({ method }) => method === 'POST');
const tokens = () => posts().map(tokenOf);

beforeEach(async () => {
  authority = await Authority.start();
  good = new Set(['t1', 't2', 't3', 't4']);
  answer = ({ id }, response) => sendJson(response, result(id));
  upstream = await ScriptedServer.start((got, response) => {
    if (good.has(tokenOf(got) ?? '')) answer(got, response);
    else
      response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end('{"error":"invalid_token"}');
  });
  bench = new OauthBench();
  logged = recordingLog();
  target = testTarget({ name: 'n8n', url: `${upstream.origin}/mcp`, log: logged.log });
  open = [];
});

afterEach(async () => {
  for (const { connection } of open) await connection.close();
  await http.release(target);
  await bench.egress.close();
  await upstream.close();
  await authority.close();
});

const account = (more: Record<string, unknown> = {}) => ({
  type: 'oauth-client-credentials',
  token_url: authority.tokenUrl,
  client_id: 'gateway',
  client_secret: new Secret('gateway-client-secret'),
  client_auth: 'auto',
  scopes: [],
  resource: null,
  audience: null,
  issuer: null,
  ...more,
});

async function connect(
  credential: UpstreamCredential = bench.clientCredentials,
  settings: Record<string, unknown> = account(),
  transport = http as StreamableHttpTransport | SseTransport,
): Promise<CredentialedConnection> {
  const connection = await CredentialedConnection.open(transport, target, credential, settings);
  open.push(connection);
  return connection;
}

describe('client credentials', () => {
  it('bring a token to every request, asked for once', async () => {
    const talk = await connect(
      bench.clientCredentials,
      account({ scopes: ['a', 'b'], resource: 'https://api.example.com' }),
    );
    for (let n = 0; n < 5; n++) expect(await talk.call('tools/call')).toMatchObject({ result: {} });
    expect(tokens()).toEqual(Array(5).fill('t1'));
    expect(authority.forms).toEqual([
      { grant_type: 'client_credentials', scope: 'a b', resource: 'https://api.example.com' },
    ]);
  });

  it('are asked for once by 100 concurrent calls, and renewed once after a refusal of all of them', async () => {
    const talk = await connect();
    await Promise.all(Array.from({ length: 100 }, () => talk.call('tools/call')));
    expect(authority.asked).toHaveLength(1);
    good.delete('t1');
    await Promise.all(Array.from({ length: 100 }, () => talk.call('tools/call')));
    expect(authority.asked).toHaveLength(2);
    expect(tokens().filter((token) => token === 't2')).toHaveLength(100);
  });

  it('are renewed before they end, without a call that waits', async () => {
    const talk = await connect();
    await talk.call('a');
    bench.now += 2_900_000;
    await talk.call('b');
    await vi.waitFor(() => expect(authority.asked).toHaveLength(2));
    await vi.waitFor(async () => {
      await talk.call('c');
      expect(tokens().at(-1)).toBe('t2');
    });
    expect(tokens().slice(0, 2)).toEqual(['t1', 't1']);
  });

  it('that are refused are replaced and the request is sent once more, the same bytes', async () => {
    const talk = await connect();
    await talk.call('tools/call');
    good.delete('t1');
    expect(await talk.call('tools/call')).toMatchObject({ result: {} });
    expect(tokens()).toEqual(['t1', 't1', 't2']);
    expect(posts()[1]?.body).toBe(posts()[2]?.body);
  });

  it('that are refused twice fail the call with a sentence, and make no loop', async () => {
    good.clear();
    const talk = await connect();
    const error = await talk.call('tools/call').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'UPSTREAM_UNAUTHORIZED', notExecuted: true });
    expect((error as Error).message).toMatch(/authentication failed/);
    expect((error as Error).message).not.toMatch(/invalid_token|t1|t2/);
    expect(tokens()).toEqual(['t1', 't2']);
    // The next ones do not ask for a new token each.
    await expect(talk.call('tools/call')).rejects.toMatchObject({ code: 'UPSTREAM_UNAUTHORIZED' });
    await expect(talk.call('tools/call')).rejects.toMatchObject({ code: 'UPSTREAM_UNAUTHORIZED' });
    expect(authority.asked).toHaveLength(2);
    expect(tokens()).toEqual(['t1', 't2', 't2', 't2']);
  });

  it('are not renewed by a 403, whose challenge goes nowhere', async () => {
    answer = (_got, response) =>
      response
        .writeHead(403, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="admin:everything"' })
        .end('{"error":"insufficient_scope"}');
    const talk = await connect();
    const error = (await talk.call('tools/call').catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ code: 'UPSTREAM_FORBIDDEN' });
    expect(JSON.stringify([error.message, (error as { data?: unknown }).data])).not.toMatch(/insufficient|admin:/);
    expect(authority.asked).toHaveLength(1);
    expect(posts()).toHaveLength(1);
  });

  it('that cannot be had fail the call before anything is sent', async () => {
    authority.intercept = (_got, response) => {
      sendJson(response, '{"error":"invalid_client","error_description":"gateway-client-secret is wrong"}', 401);
      return true;
    };
    const talk = await connect();
    const error = await talk.call('tools/call').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'UPSTREAM_UNAUTHORIZED',
      notExecuted: true,
      message: `n8n: authentication with this upstream failed: ${authority.issuer} issued no token (invalid_client)`,
    });
    await expect(talk.call('tools/call')).rejects.toThrow(/asked again in 300 s/);
    expect(authority.asked).toHaveLength(1);
    expect(upstream.got).toEqual([]);
    // An operator who mends the secret need not wait.
    authority.intercept = () => false;
    const mended = await connect(bench.clientCredentials, account({ client_secret: new Secret('another-secret') }));
    expect(await mended.call('tools/call')).toMatchObject({ result: {} });
  });

  it('go with notifications, standing streams and the end of a session, each renewed once', async () => {
    const talk = await connect();
    answer = ({ id, method }, response) => {
      if (method === 'GET') openStream(response);
      else if (id === undefined) response.writeHead(202).end();
      else sendJson(response, result(id), 200, { 'mcp-session-id': 's' });
    };
    await talk.call('initialize');
    good.delete('t1');
    talk.connection.listen();
    await vi.waitFor(() =>
      expect(upstream.got.filter(({ method }) => method === 'GET').map(tokenOf)).toEqual(['t1', 't2']),
    );
    good.delete('t2');
    bench.now += 60_000;
    await talk.connection.post(Buffer.from('{"jsonrpc":"2.0","method":"notifications/x"}'));
    expect(tokens().slice(-2)).toEqual(['t2', 't3']);
    await talk.connection.close();
    expect(upstream.got.filter(({ method }) => method === 'DELETE').map(tokenOf)).toEqual(['t3']);
  });

  it('go with everything on the older SSE transport, each renewed once', async () => {
    const sse = new SseTransport(new EgressGuard());
    let stream: ServerResponse | undefined;
    answer = ({ method, id }, response) => {
      if (method === 'GET') {
        stream = openStream(response);
        stream.write('event: endpoint\ndata: /message\n\n');
      } else {
        response.writeHead(202).end();
        stream?.write(`data: ${result(id)}\n\n`);
      }
    };
    good.delete('t1');
    const talk = await connect(bench.clientCredentials, account(), sse);
    expect(upstream.got.map(tokenOf)).toEqual(['t1', 't2']);
    good.delete('t2');
    bench.now += 60_000;
    await talk.connection.post(Buffer.from('{"jsonrpc":"2.0","method":"notifications/x"}'));
    expect(tokens()).toEqual(['t2', 't3']);
    await talk.connection.close();
    await sse.release(target);
  });

  it('resume a broken answer with the token of the moment', async () => {
    const talk = await connect();
    answer = ({ id, method }, response) => {
      const stream = openStream(response);
      if (method === 'POST') stream.write('retry: 1\nid: 1\ndata:\n\n', () => stream.end());
      else stream.end(`id: 2\ndata: ${result(id ?? 1)}\n\n`);
      good.delete('t1');
    };
    expect(await talk.call('tools/call')).toMatchObject({ result: {} });
    expect(upstream.got.map((got) => `${got.method} ${tokenOf(got)}`)).toEqual(['POST t1', 'GET t1', 'GET t2']);
  });
});

describe('a token endpoint nobody configured', () => {
  const discovered = (more: Record<string, unknown> = {}) =>
    account({ token_url: null, issuer: authority.issuer, ...more });

  beforeEach(async () => {
    await upstream.close();
    upstream = await ScriptedServer.start((got, response) => {
      if (got.path === '/prm') {
        const document = {
          resource: `${upstream.origin}/mcp`,
          authorization_servers: [authority.issuer],
          scopes_supported: ['everything'],
        };
        sendJson(response, JSON.stringify(document));
      } else if (good.has(tokenOf(got) ?? '')) answer(got, response);
      else {
        const challenge = `Bearer resource_metadata="${upstream.origin}/prm", scope="mcp:basic"`;
        response.writeHead(401, { 'www-authenticate': challenge }).end();
      }
    });
    target = testTarget({ name: 'n8n', url: `${upstream.origin}/mcp`, log: logged.log });
  });

  it('is found by the first 401, for what the upstream asks for', async () => {
    const talk = await connect(bench.clientCredentials, discovered());
    expect(await talk.call('initialize')).toMatchObject({ result: {} });
    await talk.call('tools/call');
    expect(tokens()).toEqual([undefined, 't1', 't1']);
    expect(authority.forms).toEqual([
      { grant_type: 'client_credentials', scope: 'mcp:basic', resource: `${upstream.origin}/mcp` },
    ]);
    expect(upstream.got.filter(({ path }) => path === '/prm')).toHaveLength(1);
  });

  it('is asked as its metadata and the configuration say', async () => {
    authority.metadata = { token_endpoint_auth_methods_supported: ['client_secret_post'] };
    const talk = await connect(
      bench.clientCredentials,
      discovered({ scopes: ['mine'], resource: 'https://r.example.com' }),
    );
    await talk.call('initialize');
    expect(authority.forms).toEqual([
      {
        grant_type: 'client_credentials',
        scope: 'mine',
        resource: 'https://r.example.com',
        client_id: 'gateway',
        client_secret: 'gateway-client-secret',
      },
    ]);
  });

  it('is not needed by an upstream that asks for nothing', async () => {
    good.add('');
    const talk = await connect(bench.clientCredentials, discovered());
    await talk.call('initialize');
    expect(tokens()).toEqual([undefined]);
    expect(authority.got).toEqual([]);
  });

  it.each(['http://169.254.169.254/token', 'http://127.0.0.1:9/token', 'https://10.0.0.1/token'])(
    'T128: gets no secret when it is %s',
    async (endpoint) => {
      authority.metadata = { token_endpoint: endpoint };
      const talk = await connect(bench.clientCredentials, discovered());
      const error = await talk.call('initialize').catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'UPSTREAM_UNAUTHORIZED',
        message: expect.stringMatching(/The gateway does not contact /),
      });
      expect(authority.asked).toEqual([]);
    },
  );

  it('T128: is asked for again at growing intervals, and each refusal is logged', async () => {
    const talk = await connect(bench.clientCredentials, discovered({ issuer: 'https://login.example.com' }));
    for (let n = 0; n < 5; n++) await expect(talk.call('initialize')).rejects.toThrow(/not the auth.issuer/);
    expect(upstream.got.filter(({ path }) => path === '/prm')).toHaveLength(1);
    expect(logged.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { message: expect.stringMatching(/^n8n: no token endpoint found: .*names http:\/\/127\.0\.0\.1/) },
    ]);
  });
});

describe('token exchange', () => {
  const SUBJECTS = { alice: 'subject-token-of-alice', bob: 'subject-token-of-bob' };
  const person = (sub: 'alice' | 'bob', more: { expiresAt?: number; token?: string } = {}) =>
    principal('https://idp.example.com', sub, {
      token: Secret.passing(more.token ?? SUBJECTS[sub]),
      ...(more.expiresAt !== undefined && { expiresAt: more.expiresAt }),
    });
  const exchange = (more: Record<string, unknown> = {}) =>
    account({ type: 'token-exchange', audience: 'n8n-api', scopes: ['n8n'], discovery: null, ...more });

  beforeEach(() => {
    authority.grant = { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
  });

  it('turns the caller’s token into one for the upstream, which never sees the former', async () => {
    const talk = await connect(bench.tokenExchange, exchange());
    await talk.call('tools/call', callerOf(person('alice')));
    await talk.call('tools/call', callerOf(person('alice')));
    await talk.call('tools/call', callerOf(person('bob')));
    expect(authority.forms).toEqual(
      [SUBJECTS.alice, SUBJECTS.bob].map((subject) => ({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: subject,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        audience: 'n8n-api',
        scope: 'n8n',
      })),
    );
    expect(tokens()).toEqual(['t1', 't1', 't2']);
    const sent = JSON.stringify(upstream.got);
    for (const subject of Object.values(SUBJECTS)) expect(sent).not.toContain(subject);
  });

  it('goes with the caller of each call, whoever opened the connection, and with the last one where there is none', async () => {
    const talk = await connect(bench.tokenExchange, exchange());
    answer = ({ id }, response) => (id === undefined ? response.writeHead(202).end() : sendJson(response, result(id)));
    await talk.call('tools/call', callerOf(person('alice')));
    await talk.call('tools/call', callerOf(person('alice', { token: 'a-younger-token-of-alice' })));
    await talk.connection.post(Buffer.from('{"jsonrpc":"2.0","method":"notifications/x"}'));
    expect(tokens()).toEqual(['t1', 't2', 't2']);
  });

  it('is done anew for a token that was refused, for that caller alone', async () => {
    const talk = await connect(bench.tokenExchange, exchange());
    await talk.call('a', callerOf(person('alice')));
    await talk.call('b', callerOf(person('bob')));
    good.delete('t1');
    await talk.call('c', callerOf(person('alice')));
    await talk.call('d', callerOf(person('bob')));
    expect(tokens()).toEqual(['t1', 't2', 't1', 't3', 't2']);
  });

  it('ends fifteen seconds before the caller’s own token does', async () => {
    const talk = await connect(bench.tokenExchange, exchange());
    const alice = person('alice', { expiresAt: bench.now + 100_000 });
    await talk.call('a', callerOf(alice));
    bench.now += 84_000;
    await talk.call('b', callerOf(alice));
    await vi.waitFor(() => expect(authority.asked.length).toBe(2));
    expect(tokens()).toEqual(['t1', 't1']);
    bench.now += 2_000;
    await talk.call('c', callerOf(alice));
    expect(tokens().at(-1)).not.toBe('t1');
  });

  it.each([
    ['another type', { issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }, /something else/],
    ['no type', { issued_token_type: undefined }, /something else/],
    ['the caller’s own token', { access_token: SUBJECTS.alice }, /own token back/],
  ])('refuses %s', async (_name, grant, message) => {
    authority.grant = { ...authority.grant, ...grant };
    const talk = await connect(bench.tokenExchange, exchange());
    await expect(talk.call('x', callerOf(person('alice')))).rejects.toThrow(message);
    expect(upstream.got).toEqual([]);
  });

  it.each([
    ['nobody', ANONYMOUS],
    ['an API key', principal('api-keys', 'ci')],
  ])('has nothing to exchange for %s, and sends nothing', async (_name, who) => {
    const talk = await connect(bench.tokenExchange, exchange());
    await expect(talk.call('x', callerOf(who))).rejects.toMatchObject({
      code: 'UPSTREAM_UNAUTHORIZED',
      message: expect.stringMatching(/needs the token of a user/),
    });
    expect(upstream.got).toEqual([]);
    expect(authority.got).toEqual([]);
  });

  it('uses its discovery block for what the gateway itself asks', async () => {
    const talk = await connect(bench.tokenExchange, exchange({ discovery: account({ client_id: 'discoverer' }) }));
    await talk.call('tools/list');
    expect(authority.forms).toEqual([{ grant_type: 'client_credentials' }]);
    good.delete('t1');
    await talk.call('tools/list');
    expect(tokens()).toEqual(['t1', 't1', 't2']);
    const bare = await connect(bench.tokenExchange, exchange());
    await expect(bare.call('tools/list')).rejects.toThrow(/auth.discovery is not set/);
  });

  it('that one caller is refused stands in nobody else’s way', async () => {
    authority.intercept = (got, response) => {
      if (!got.body.includes(SUBJECTS.alice)) return false;
      const text = JSON.stringify({ error: 'invalid_request', error_description: `bad ${SUBJECTS.alice}` });
      sendJson(response, text, 400);
      return true;
    };
    const talk = await connect(bench.tokenExchange, exchange());
    await expect(talk.call('x', callerOf(person('alice')))).rejects.toThrow(/invalid_request/);
    expect(await talk.call('x', callerOf(person('bob')))).toMatchObject({ result: {} });
    expect(JSON.stringify(logged.lines)).not.toContain(SUBJECTS.alice);
  });
});
