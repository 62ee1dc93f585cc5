import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { IdentityProvider } from '../../../test/support/idp.js';
import { bearing, RESOURCE, setupFor } from './testing/asking.js';
import { AuthBench, type Judge } from './testing/bench.js';
import { describeAuthProvider } from './testing/provider-contract.js';
import { SHAPES, type Shape } from './testing/token-shapes.js';

let idp: IdentityProvider;
let bench: AuthBench;
beforeAll(async () => {
  idp = await IdentityProvider.start();
  bench = new AuthBench();
});
afterAll(async () => {
  await bench.close();
  await idp.close();
});

const mint = ({ header, claims }: Shape, change: Record<string, unknown> = {}) =>
  idp.mint({ ...claims, ...change }, header);
const open = (provider: string, oauth: Record<string, unknown>) =>
  bench.open({ provider, jwks_uri: idp.jwksUri, ...oauth });

describe.each(SHAPES)('$provider', ({ provider, oauth, access, id, app, refused, user, application }) => {
  let gate: Judge;
  beforeAll(() => {
    gate = open(provider, oauth);
  });
  afterEach(async () => {
    expect(await gate.kind(mint(access))).toBe('ok');
  });

  it("lets a user's access token in", async () => {
    expect(await gate.principal(mint(access))).toMatchObject(user);
  });

  it("lets an application's own token in", async () => {
    expect(await gate.principal(mint(app))).toMatchObject(application);
  });

  it('T020: refuses an ID token', async () => {
    expect(await gate.kind(mint(id))).toBe('denied');
  });

  it.each(Object.entries(refused))('refuses %s', async (_what, shape) => {
    expect(await gate.kind(mint(shape))).toBe('denied');
  });

  it('finds nothing wrong with its settings, and says which rules are in force', () => {
    const setup = setupFor({ provider, ...oauth });
    expect(bench.provider(provider).validate(setup)).toEqual([]);
    expect(bench.provider(provider).warnings(setup)).toEqual([]);
    expect(bench.provider(provider).describe(setup).join('; ')).toMatch(/typ at\+jwt.*who it is stands in/);
  });
});

for (const { provider, oauth, access, id } of SHAPES) {
  describeAuthProvider(provider, () => ({
    provider: bench.provider(provider),
    setup: { ...setupFor({ provider, ...oauth }), jwksUri: idp.jwksUri },
    good: () => bearing(mint(access)),
    bad: [bearing(mint(id)), bearing(mint(access, { exp: 1 })), bearing(idp.mint(access.claims, { alg: 'none' }))],
  }));
}

/** What a provider says is wrong with, or doubtful in, its part of the configuration. */
const problems = (provider: string, oauth: Record<string, unknown>) =>
  bench.provider(provider).validate(setupFor({ provider, ...oauth }));
const warnings = (provider: string, oauth: Record<string, unknown>) =>
  bench.provider(provider).warnings(setupFor({ provider, ...oauth }));

describe('settings', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['okta', { authorization_servers: ['https://acme.okta.com'] }, /^authorization_servers\[0\]: must be a custom/],
    [
      'okta',
      { authorization_servers: ['https://acme.okta.com/oauth2'] },
      /^authorization_servers\[0\]: must be a custom/,
    ],
    ['oidc', { authorization_servers: ['https://a.example'], oidc: { typ: 'JWT' } }, /^oidc\.typ: must be one of/],
    ['oidc', { authorization_servers: ['https://a.example'], oidc: { type: 'any' } }, /^oidc\.type: is no setting/],
    ['auth0', { authorization_servers: ['https://acme.auth0.com'] }, /^authorization_servers\[0\]: must end with/],
    [
      'keycloak',
      { authorization_servers: ['https://k.example/realms/a/'] },
      /^authorization_servers\[0\]: must not end/,
    ],
    ['entra', { authorization_servers: ['https://login.microsoftonline.com/common/v2.0'] }, /must name a tenant/],
    [
      'entra',
      { authorization_servers: ['https://login.microsoftonline.com/organizations/v2.0'] },
      /must name a tenant/,
    ],
    ['google', { authorization_servers: ['https://accounts.google.com'] }, /^audience: needs the id of your own/],
    [
      'google',
      {
        authorization_servers: ['https://accounts.google.com'],
        audience: ['x'],
        google: { tokeninfo: 'http://a.example' },
      },
      /^google\.tokeninfo: must be an https/,
    ],
    [
      'google',
      {
        authorization_servers: ['https://accounts.google.com'],
        audience: ['x'],
        google: { tokeninfo: 'http://127.a.example' },
      },
      /^google\.tokeninfo: must be an https/,
    ],
    ['cognito', { authorization_servers: ['https://c.example/pool'] }, /^audience: needs the ids of the app clients/],
  ])('of %s are refused: %j', (provider, oauth, message) => {
    expect(problems(provider, oauth).join('\n')).toMatch(message);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'okta',
      { authorization_servers: ['https://acme.okta.com/oauth2/aus1'] },
      /^audience: is empty; .* nobody gets in/,
    ],
    [
      'okta',
      { authorization_servers: ['https://a.okta.com/oauth2/default'], okta: { client_id: 'x' } },
      /^okta\.client_id: is not used/,
    ],
    ['entra', { authorization_servers: ['https://sts.windows.net/t/'] }, /^audience: is empty; .* nobody gets in/],
    [
      'google',
      { authorization_servers: ['https://google.example'], audience: ['x'] },
      /^authorization_servers\[0\]: the issuer/,
    ],
    [
      'oidc',
      { authorization_servers: ['https://a.example', 'https://b.example'], jwks_uri: 'https://a.example/k' },
      /^jwks_uri: /,
    ],
  ])('of %s are warned of: %j', (provider, oauth, message) => {
    expect(warnings(provider, oauth).join('\n')).toMatch(message);
  });
});

describe('okta', () => {
  const issuer = 'https://acme.okta.com/oauth2/default';
  const claims = { iss: issuer, sub: 'ann@acme.example', uid: '00u1', cid: 'c', scp: ['x'] };

  it('takes api://default for the default server only until an audience is configured', async () => {
    const token = idp.mint({ ...claims, aud: 'api://default' }, { typ: undefined });
    expect(await open('okta', { authorization_servers: [issuer] }).kind(token)).toBe('ok');
    const strict = open('okta', { authorization_servers: [issuer], audience: ['api://mcp'] });
    expect(await strict.reason(token)).toMatch(/"api:\/\/default".*oauth\.audience/);
    expect(await strict.kind(idp.mint({ ...claims, aud: 'api://mcp' }, { typ: undefined }))).toBe('ok');
    const other = 'https://acme.okta.com/oauth2/aus1';
    const third = open('okta', { authorization_servers: [other] });
    expect(await third.kind(idp.mint({ ...claims, iss: other, aud: 'api://default' }, { typ: undefined }))).toBe(
      'denied',
    );
    expect(await third.kind(idp.mint({ ...claims, iss: other, aud: RESOURCE }, { typ: undefined }))).toBe('ok');
  });

  it('keeps a user the same when the login is renamed', async () => {
    const gate = open('okta', { authorization_servers: [issuer] });
    const as = (sub: string) => gate.principal(idp.mint({ ...claims, sub, aud: 'api://default' }, { typ: undefined }));
    expect((await as('ann@acme.example')).key).toBe((await as('anna@acme.example')).key);
  });
});

describe('oidc', () => {
  it('takes tokens of any type where oauth.oidc.typ says so, and still no ID tokens', async () => {
    const oauth = { authorization_servers: [idp.issuer], oidc: { typ: 'any' } };
    const [loose, strict] = [open('oidc', oauth), open('oidc', { authorization_servers: [idp.issuer] })];
    for (const typ of ['JWT', undefined, 'at+jwt']) {
      expect(await loose.kind(idp.mint({ aud: RESOURCE }, { typ }))).toBe('ok');
      expect(await strict.kind(idp.mint({ aud: RESOURCE }, { typ }))).toBe(typ === 'at+jwt' ? 'ok' : 'denied');
    }
    expect(await loose.kind(idp.mint({ aud: RESOURCE, nonce: 'n' }, { typ: 'JWT' }))).toBe('denied');
    expect(await loose.kind(idp.mint({ aud: RESOURCE, nonce: 'n', scope: 'x' }, { typ: 'JWT' }))).toBe('ok');
    expect(await loose.kind(idp.mint({ aud: RESOURCE }, { typ: 'dpop+jwt' }))).toBe('denied');
    expect(await loose.kind(idp.mint({ aud: RESOURCE }, { typ: 'something' }))).toBe('denied');
  });
});

describe('entra', () => {
  const shapes = SHAPES.find(({ provider }) => provider === 'entra');
  if (!shapes) throw new Error('no shapes');

  it('T033: grants nothing by groups that are a link, warns once, and follows it never', async () => {
    const gate = open('entra', shapes.oauth);
    const before = { asked: bench.egress.asked.length, lines: bench.lines.length };
    const overage = {
      groups: undefined,
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://graph.windows.net/t/users/u/getMemberObjects' } },
    };
    for (const change of [overage, overage, { groups: undefined, hasgroups: true }]) {
      const { claims } = await gate.principal(mint(shapes.access, { ...change, jti: Math.random() }));
      expect(claims['groups']).toBeUndefined();
    }
    const said = bench.lines.slice(before.lines).filter(({ level }) => level === 'warn');
    expect(said).toHaveLength(1);
    expect(said[0]?.message).toMatch(/link instead of its groups/);
    expect(bench.egress.asked.slice(before.asked).filter((url) => !url.startsWith(idp.issuer))).toEqual([]);
  });

  it('spells scopes in challenges as clients have to ask for them', () => {
    const asked = (oauth: Record<string, unknown>) =>
      bench
        .provider('entra')
        .challengeScopes(['n8n.read', 'openid', 'api://x/y'], setupFor({ provider: 'entra', ...oauth }));
    const servers = { authorization_servers: ['https://sts.windows.net/t/'] };
    const guid = 'c0ffee00-1111-4222-8333-444455556666';
    expect(asked({ ...servers, audience: [guid] })).toEqual([`api://${guid}/n8n.read`, 'openid', 'api://x/y']);
    expect(asked({ ...servers, audience: [guid, 'api://mcp'] })).toEqual(['api://mcp/n8n.read', 'openid', 'api://x/y']);
    expect(asked({ ...servers, audience: [guid], entra: { scope_prefix: 'https://mcp.acme.example/' } })[0]).toBe(
      'https://mcp.acme.example/n8n.read',
    );
    expect(asked(servers)[0]).toBe('n8n.read');
  });
});

describe('google', () => {
  const oauth = { authorization_servers: ['https://accounts.google.com'], audience: ['client'] };
  const claims = { iss: 'https://accounts.google.com', aud: 'client', sub: '1', hd: 'acme.example' };

  it('takes its issuer with and without https:// for one', async () => {
    const gate = open('google', oauth);
    const [one, two] = [
      await gate.principal(idp.mint(claims, { typ: 'JWT' })),
      await gate.principal(idp.mint({ ...claims, iss: 'accounts.google.com' }, { typ: 'JWT' })),
    ];
    expect(one.key).toBe(two.key);
  });

  it('keeps other domains out where one is named', async () => {
    const gate = open('google', { ...oauth, google: { hosted_domain: 'acme.example' } });
    expect(await gate.kind(idp.mint(claims, { typ: 'JWT' }))).toBe('ok');
    for (const hd of [undefined, 'evil.example', ['acme.example'], 'ACME.example']) {
      expect(await gate.kind(idp.mint({ ...claims, hd }, { typ: 'JWT' }))).toBe('denied');
    }
  });

  it('asks tokeninfo about access tokens, and needs their audience', async () => {
    const gate = open('google', { ...oauth, google: { tokeninfo: idp.introspectionUrl } });
    const exp = String(Math.floor(Date.now() / 1000) + 600);
    const answer = { aud: 'client', azp: 'client', sub: '1', scope: 'openid', exp, expires_in: '600' };
    idp.introspection.answers = { body: answer };
    expect(await gate.principal('ya29.a0AfH6SMB')).toMatchObject({
      issuer: 'https://accounts.google.com',
      subject: '1',
      clientId: 'client',
    });
    expect(bench.egress.asked.at(-1)).toBe(`${idp.introspectionUrl}?access_token=ya29.a0AfH6SMB`);
    for (const change of [{ aud: 'another' }, { aud: undefined }, { exp: '1' }, { exp: 'soon' }, { sub: undefined }]) {
      idp.introspection.answers = { body: { ...answer, ...change } };
      expect(await gate.kind(`ya29.${Math.random()}`)).toBe('denied');
    }
    idp.introspection.answers = { status: 400, body: { error: 'invalid_token' } };
    expect(await gate.kind('ya29.gone')).toBe('denied');
    idp.introspection.answers = { status: 500 };
    expect(await gate.kind('ya29.down')).toBe('unavailable');
    expect(JSON.stringify(bench.lines)).not.toContain('ya29.');
  });
});

describe('cognito', () => {
  it('takes a token that names the gateway in aud by it, whatever its client', async () => {
    const iss = 'https://cognito-idp.eu-central-1.amazonaws.com/pool';
    const gate = open('cognito', { authorization_servers: [iss], audience: ['client'] });
    const claims = { iss, sub: 's', token_use: 'access', client_id: 'another' };
    expect(await gate.kind(idp.mint({ ...claims, aud: RESOURCE }, { typ: undefined }))).toBe('ok');
    expect(await gate.reason(idp.mint(claims, { typ: undefined }))).toMatch(/"another".*oauth\.audience/);
  });
});
