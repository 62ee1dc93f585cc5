import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EgressClient, EgressGuard } from '#libs/egress';
import { Authority } from '../../testing/authority.js';
import { type Got, ScriptedServer, sendJson } from '../../testing/scripted-server.js';
import { discoverTokenEndpoint } from './discovery.js';
import { TokenError } from './token-cache.js';

let authority: Authority;
let upstream: ScriptedServer;
let egress: EgressClient;
/** What the upstream answers, by path. */
let documents: Record<string, (response: ServerResponse) => void>;

const PATH_PLACE = '/.well-known/oauth-protected-resource/mcp/n8n';
const ROOT_PLACE = '/.well-known/oauth-protected-resource';

beforeEach(async () => {
  authority = await Authority.start();
  documents = {};
  upstream = await ScriptedServer.start(({ path }: Got, response) => {
    const answer = documents[path];
    if (answer) answer(response);
    else response.writeHead(404).end();
  });
  egress = new EgressClient(new EgressGuard());
  documents[PATH_PLACE] = resource();
});

afterEach(async () => {
  await egress.close();
  await upstream.close();
  await authority.close();
});

const resource =
  (members: Record<string, unknown> = {}) =>
  (response: ServerResponse) =>
    sendJson(
      response,
      JSON.stringify({
        resource: `${upstream.origin}/mcp/n8n`,
        authorization_servers: [authority.issuer],
        ...members,
      }),
    );

function discover(challenges: readonly string[] = ['Bearer'], issuer = authority.issuer) {
  return discoverTokenEndpoint(egress, { url: `${upstream.origin}/mcp/n8n`, issuer, challenges });
}

async function refusal(...args: Parameters<typeof discover>): Promise<string> {
  const thrown = await discover(...args).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(TokenError);
  return (thrown as TokenError).message;
}

const paths = (got: readonly Got[]) => got.map(({ path }) => path);

describe('the token endpoint of an upstream', () => {
  it('is found by the metadata at its path, then by that of its server', async () => {
    authority.metadata = { token_endpoint_auth_methods_supported: ['client_secret_post'] };
    expect(await discover()).toEqual({
      tokenUrl: authority.tokenUrl,
      authMethods: ['client_secret_post'],
      resource: `${upstream.origin}/mcp/n8n`,
      scopes: undefined,
    });
    expect(paths(upstream.got)).toEqual([PATH_PLACE]);
    expect(paths(authority.got)).toEqual(['/.well-known/oauth-authorization-server']);
  });

  it('is found by the metadata at the root where there is none at the path', async () => {
    documents = { [ROOT_PLACE]: resource({ resource: upstream.origin }) };
    expect(await discover()).toMatchObject({ resource: upstream.origin });
    expect(paths(upstream.got)).toEqual([PATH_PLACE, ROOT_PLACE]);
  });

  it('is found where the challenge says, and nowhere else', async () => {
    documents['/elsewhere'] = resource({ resource: `${upstream.origin}/mcp` });
    const challenge = `Bearer resource_metadata="${upstream.origin}/elsewhere"`;
    expect(await discover([challenge])).toMatchObject({ resource: `${upstream.origin}/mcp` });
    expect(await refusal([`Bearer resource_metadata="${upstream.origin}/gone"`])).toContain('no protected resource');
    expect(paths(upstream.got)).toEqual(['/elsewhere', '/gone']);
  });

  it.each([
    ['/tenant', ['/.well-known/oauth-authorization-server/tenant']],
    [
      '/tenant/',
      [
        '/.well-known/oauth-authorization-server/tenant',
        '/.well-known/openid-configuration/tenant',
        '/tenant/.well-known/openid-configuration',
      ],
    ],
  ])('is found at servers with a path (%s)', async (path, places) => {
    const issuer = authority.issuer + path;
    documents[PATH_PLACE] = resource({ authorization_servers: ['https://other.example.com', issuer] });
    authority.intercept = (got, response) => {
      if (got.path !== places.at(-1)) return false;
      sendJson(response, JSON.stringify({ issuer, token_endpoint: `${authority.issuer}/tenant/token` }));
      return true;
    };
    expect((await discover(['Bearer'], issuer)).tokenUrl).toBe(`${authority.issuer}/tenant/token`);
    expect(paths(authority.got)).toEqual(places);
  });

  it.each<[string, string[] | undefined, string[] | undefined]>([
    ['Bearer scope="a b"', ['x'], ['a', 'b']],
    ['Bearer', ['x', 'y'], ['x', 'y']],
    ['Bearer', undefined, undefined],
    ['Bearer scope="a\u00e9 b"', undefined, ['b']],
    ['Bearer scope=""', ['x'], ['x']],
  ])('comes with the scopes of %s and %j', async (challenge, supported, scopes) => {
    documents[PATH_PLACE] = resource({ scopes_supported: supported });
    expect((await discover([challenge])).scopes).toEqual(scopes);
  });
});

describe('T128: what others name', () => {
  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'https://169.254.169.254/',
    'http://metadata.google.internal/',
    'http://127.0.0.1:9/.well-known/oauth-protected-resource',
    'https://127.0.0.1:9/.well-known/oauth-protected-resource',
    'https://2130706433/x',
    'https://0x7f.1/x',
    'https://[::ffff:127.0.0.1]/x',
    'https://[64:ff9b::7f00:1]/x',
    'https://10.0.0.1/x',
    'http://example.com/x',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'https://user:pass@example.com/',
    '/relative',
  ])('is not asked when it is %s', async (place) => {
    expect(await refusal([`Bearer resource_metadata="${place}"`])).toMatch(/^The gateway does not contact /);
    expect(upstream.got).toEqual([]);
    expect(authority.got).toEqual([]);
  });

  it('is not asked for metadata of another origin on this machine, although the upstream is there too', async () => {
    const place = `${authority.issuer}/.well-known/oauth-protected-resource`;
    expect(await refusal([`Bearer resource_metadata="${place}"`])).toMatch(/has to be https/);
    expect(authority.got).toEqual([]);
  });

  it.each([
    ['https://evil.example.com/mcp', 'about another resource'],
    ['http://127.0.0.1:1/mcp/n8n', 'about another resource'],
    ['/mcp/n8n', 'about another resource'],
    [undefined, 'about another resource'],
  ])('is refused when it is about %s', async (id, text) => {
    documents[PATH_PLACE] = resource({ resource: id });
    expect(await refusal()).toContain(text);
    expect(authority.got).toEqual([]);
  });

  it.each(['/mcp/n8', '/mcp/n8n/more', '/mcp/n8n#x', '/mcp/n8n?tenant=1', '/other'])(
    'is refused when it is about the path %s',
    async (path) => {
      documents[PATH_PLACE] = resource({ resource: upstream.origin + path });
      expect(await refusal()).toContain('about another resource');
    },
  );

  it('gets no secret when it is another server than the configured one', async () => {
    documents[PATH_PLACE] = resource({ authorization_servers: [authority.issuer] });
    const text = await refusal(['Bearer'], 'https://login.example.com');
    expect(text).toContain(`names ${authority.issuer}, and not the auth.issuer of the configuration`);
    expect(authority.got).toEqual([]);
  });

  it.each([
    [{ issuer: 'https://attacker.example.com' }, 'of another issuer'],
    [{ issuer: undefined }, 'of another issuer'],
    [{ token_endpoint: undefined }, 'names no token endpoint'],
    [{ token_endpoint: 'not a URL' }, 'names no token endpoint'],
  ])('is refused when the server says %j of itself', async (metadata, text) => {
    authority.metadata = metadata as Record<string, unknown>;
    expect(await refusal()).toContain(text);
  });

  it('is not looked for in other places once it was refused', async () => {
    documents[ROOT_PLACE] = resource({ resource: upstream.origin });
    documents[PATH_PLACE] = resource({ resource: 'https://evil.example.com' });
    await refusal();
    expect(paths(upstream.got)).toEqual([PATH_PLACE]);
  });

  it('is not followed elsewhere', async () => {
    documents[PATH_PLACE] = (response) => response.writeHead(302, { location: `${authority.issuer}/x` }).end();
    expect(await refusal()).toContain('redirect');
    expect(authority.got).toEqual([]);
  });

  it('is asked for again later when it is out of order', async () => {
    documents[PATH_PLACE] = (response) => response.writeHead(503).end();
    const thrown = await discover().catch((error: unknown) => error);
    expect(thrown).toMatchObject({ kind: 'unavailable' });
  });
});
