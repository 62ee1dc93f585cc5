import { Client, ClientCredentialsProvider, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MODERN } from '../support/clients.js';
import { Guarded } from '../support/guarded.js';
import { IdentityProvider, USER } from '../support/idp.js';
import { freePort } from '../support/processes.js';
import { http, RawSession } from '../support/raw.js';
import { listen } from '../support/stream.js';
import { Cleanup } from '../support/wait.js';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const servers = new Cleanup();
const cleanup = new Cleanup();
let idp: IdentityProvider;
let guarded: Guarded;

async function start(owner: Cleanup, server: Record<string, unknown> = {}): Promise<Guarded> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  for (const resource of [`${base}/mcp`, `${base}/mcp/rec`]) idp.serve(resource);
  return Guarded.start(owner, {
    spawn: { port },
    server,
    sections: {
      oauth: { enabled: true, provider: 'oidc', authorization_servers: [idp.issuer], scopes_supported: ['n8n:read'] },
      auth: { claims: ['groups'], mappings: { 'groups:User': ['use'] }, permissions: { '*/rec:*': ['use'] } },
    },
    caller: { authorization: `Bearer ${idp.mint({ aud: `${server['url'] ?? base}/mcp`, groups: ['User'] })}` },
  });
}

beforeAll(async () => {
  idp = servers.add(await IdentityProvider.start());
  guarded = await start(servers);
});
afterAll(() => servers.close());
afterEach(() => cleanup.close());
beforeEach(() => void guarded.deeds());

/** Changes what a client gets to see. */
type Veil = (path: string, answer: Response) => Response;

/** The official client, which knows an endpoint and its own secret; every path it asked the gateway for besides. */
async function discovering(url: string, era: 'legacy' | 'modern', veil: Veil = (_path, answer) => answer) {
  const asked: string[] = [];
  const authProvider = new ClientCredentialsProvider({
    ...{ clientId: USER.id, clientSecret: USER.secret, expectedIssuer: idp.issuer },
  });
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    authProvider,
    fetch: async (target, init) => {
      const { pathname, origin } = new URL(String(target));
      const answer = await fetch(target, init);
      if (origin !== new URL(url).origin) return answer;
      if (pathname.startsWith('/.well-known/')) asked.push(pathname);
      return veil(pathname, answer);
    },
  });
  const mode = era === 'modern' ? { pin: MODERN } : ('legacy' as const);
  const client = new Client({ name: 'finder', version: '1' }, { versionNegotiation: { mode } });
  cleanup.add(client);
  await client.connect(transport);
  return { client, asked, token: () => authProvider.tokens()?.access_token ?? '' };
}

function claims(token: string): { aud: string; exp: number } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { aud: string; exp: number };
}

const without: (header: string) => Veil = (header) => (_path, answer) => {
  const headers = new Headers(answer.headers);
  headers.delete(header);
  return new Response(answer.body, { status: answer.status, headers });
};

describe.each(['legacy', 'modern'] as const)('an official client of the %s era', (era) => {
  it.each([
    ['/mcp', 'rec:read'],
    ['/mcp/rec', 'read'],
  ])('finds the metadata of %s by its challenge, and gets a token for that endpoint', async (path, tool) => {
    const { client, asked, token } = await discovering(guarded.url + path, era);
    expect(asked).toEqual([WELL_KNOWN + path]);
    expect(claims(token()).aud).toBe(guarded.url + path);
    await client.callTool({ name: tool, arguments: {} });
    expect(guarded.deeds()).toEqual(['tools/call read']);
  });

  it('finds it by itself where a proxy drops the challenge', async () => {
    const { client, asked, token } = await discovering(`${guarded.mcp}/rec`, era, without('www-authenticate'));
    expect(asked).toEqual([`${WELL_KNOWN}/mcp/rec`]);
    expect(claims(token()).aud).toBe(`${guarded.mcp}/rec`);
    await client.callTool({ name: 'read', arguments: {} });
    expect(guarded.deeds()).toEqual(['tools/call read']);
  });

  it('takes the document of the whole gateway for each of its endpoints', async () => {
    const hidden: Veil = (path, answer) => {
      const shown = without('www-authenticate')(path, answer);
      return path === `${WELL_KNOWN}/mcp/rec` ? new Response('{}', { status: 404 }) : shown;
    };
    const { client, asked, token } = await discovering(`${guarded.mcp}/rec`, era, hidden);
    expect(asked).toEqual([`${WELL_KNOWN}/mcp/rec`, WELL_KNOWN]);
    expect(claims(token()).aud).toBe(guarded.mcp);
    await client.callTool({ name: 'read', arguments: {} });
    expect(guarded.deeds()).toEqual(['tools/call read']);
  });

  it('asks for no token where the public URL is not the one it knows', async () => {
    const other = await start(cleanup, { url: 'http://gateway.example' });
    const before = idp.tokens.requests;
    await expect(discovering(other.mcp, era, without('www-authenticate'))).rejects.toThrow(/does not match expected/);
    expect(idp.tokens.requests).toBe(before);
  });
});

describe('a token for one endpoint', () => {
  it('is none for the whole gateway, but the other way round', async () => {
    const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
    const status = async (aud: string, path: string) => {
      const headers = { authorization: `Bearer ${idp.mint({ aud: guarded.url + aud, groups: ['User'] })}` };
      return (await http(guarded.url + path, { headers, body: list })).status;
    };
    // 400: let in, and told that a session is missing.
    expect([await status('/mcp/rec', '/mcp'), await status('/mcp/rec', '/mcp/rec')]).toEqual([401, 400]);
    expect([await status('/mcp', '/mcp'), await status('/mcp', '/mcp/rec')]).toEqual([400, 400]);
  });
});

describe('T043: a stream', () => {
  it('ends with its token, and a little before', async () => {
    idp.serve(guarded.mcp, { ttl: 10 });
    const token = await idp.token({ client: USER.id, resource: guarded.mcp });
    const { exp } = claims(token);
    const session = await RawSession.open(guarded.mcp, { headers: { authorization: `Bearer ${token}` } });
    const stream = await listen(session, cleanup);
    const opened = Date.now();
    await stream.ended;
    const ended = Date.now();
    expect(ended).toBeGreaterThanOrEqual(exp * 1000 - (exp * 1000 - opened) / 10 - 50);
    expect(ended).toBeLessThan(exp * 1000 + 2_000);
  });
});
