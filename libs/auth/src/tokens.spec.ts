import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, IdentityProvider, USER } from '../../../test/support/idp.js';
import { compactJws, signingKey } from '../../../test/support/signing.js';
import { GATEWAY_URL, RESOURCE } from './testing/asking.js';
import { AuthBench, type Judge } from './testing/bench.js';

describe('access tokens', () => {
  const bench = new AuthBench();
  let idp: IdentityProvider;
  let gate: Judge;

  beforeAll(async () => {
    idp = (await IdentityProvider.start()).serve(RESOURCE).serve(`${RESOURCE}/n8n`);
    gate = bench.open({ authorization_servers: [idp.issuer], algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'] });
    await gate.authenticator.warmUp?.();
  });
  afterAll(async () => {
    await bench.close();
    await idp.close();
  });

  // The twin of every refusal: what was wrong there is right here, and gets in.
  afterEach(async () => {
    expect(await gate.kind(mint())).toBe('ok');
  });

  const now = () => Math.floor(bench.clock.now() / 1000);
  const mint = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
    idp.mint({ aud: RESOURCE, ...claims }, header);

  it.each([ADMIN, USER])(
    'of a real provider make $id a principal with claims, client and end',
    async ({ id, claims }) => {
      const token = await idp.token({ client: id, resource: RESOURCE, scope: 'n8n:read' });
      const principal = await gate.principal(token);
      expect(principal).toMatchObject({ issuer: idp.issuer, subject: id, clientId: id, anonymous: false });
      expect(principal.claims).toMatchObject({ scope: 'n8n:read', ...claims });
      expect(principal.token?.reveal()).toBe(token);
      expect(principal.expiresAt).toBeGreaterThan(Date.now());
      expect(JSON.stringify(principal)).not.toContain(token);
    },
  );

  it('are answered at once when seen before, with the very same principal', async () => {
    const token = mint();
    const first = await gate.principal(token);
    const second = gate.ask(token);
    expect(second).not.toBeInstanceOf(Promise);
    expect(second).toMatchObject({ kind: 'ok' });
    expect(await gate.principal(token)).toBe(first);
  });

  it('brought by many requests at once are verified once', async () => {
    const token = mint();
    const found = await Promise.all(Array.from({ length: 50 }, () => gate.principal(token)));
    expect(new Set(found).size).toBe(1);
  });

  it('keep their principal when they are verified again, and are refused once they are over', async () => {
    const later = new AuthBench();
    const judge = later.open({ authorization_servers: [idp.issuer] });
    const token = mint({ exp: now() + 100 });
    const first = await judge.principal(token);
    later.clock.pass(61_000);
    expect(judge.ask(token)).toBeInstanceOf(Promise);
    expect(await judge.principal(token)).toBe(first);
    later.clock.pass(80_000);
    expect(await judge.reason(token)).toMatch(/expired/);
    await later.close();
  });

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('may be signed with %s', async (alg) => {
    const other = new AuthBench();
    const key = signingKey(`${alg}-key`, alg);
    idp.extraKeys.push(key.publicJwk);
    const judge = other.open({ authorization_servers: [idp.issuer], algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'] });
    expect(await judge.kind(idp.mint({ aud: RESOURCE }, {}, { key }))).toBe('ok');
    const forged = idp.mint({ aud: RESOURCE }, { kid: key.kid }, { key: signingKey('x', alg) });
    expect(await judge.reason(forged)).toMatch(/signature/);
    await other.close();
  });

  it('signed with an algorithm that the configuration does not list are refused', async () => {
    const strict = bench.open({ authorization_servers: [idp.issuer], algorithms: ['ES256'] });
    expect(await strict.reason(mint())).toMatch(/algorithm/);
    expect(await strict.kind(idp.mint({ aud: RESOURCE }, {}, { key: idp.keys[1] }))).toBe('ok');
  });

  it('T010: without a signature are refused', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE']) expect(await gate.kind(mint({}, { alg }))).toBe('denied');
    const [header, claims] = mint().split('.');
    expect(await gate.kind(`${header}.${claims}.`)).toBe('denied');
    expect(await gate.kind(mint({}, { alg: undefined }))).toBe('denied');
    expect(await gate.kind(mint())).toBe('ok');
  });

  it('T011: signed with the public key as a secret are refused', async () => {
    const [key] = idp.keys;
    if (!key) throw new Error('no key');
    const secrets = [
      key.publicKey.export({ format: 'pem', type: 'spki' }),
      key.publicKey.export({ format: 'pem', type: 'pkcs1' }),
      key.publicKey.export({ format: 'der', type: 'spki' }),
      JSON.stringify(key.publicJwk),
    ];
    for (const raw of secrets) {
      const token = idp.mint({ aud: RESOURCE }, { alg: 'HS256' }, { raw });
      expect(await gate.kind(token)).toBe('denied');
    }
  });

  it('T012: signed by a stranger are refused, and no address in them is contacted', async () => {
    const stranger = signingKey('stranger');
    const forged = (header: object) => idp.mint({ aud: RESOURCE }, { ...header }, { key: stranger });
    const before = bench.egress.asked.length;
    const attacker = 'http://127.0.0.1:1/keys';
    for (const token of [
      forged({ kid: 'rsa-1' }),
      forged({ kid: 'rsa-1', jwk: stranger.publicJwk }),
      forged({ kid: 'rsa-1', jku: attacker, x5u: attacker }),
      forged({ kid: 'rsa-1', x5c: ['MIIB'] }),
    ]) {
      expect(await gate.kind(token)).toBe('denied');
    }
    expect(bench.egress.asked.slice(before)).toEqual([]);
    const good = mint({}, { jku: attacker, x5u: attacker, jwk: stranger.publicJwk, x5c: ['MIIB'] });
    expect(await gate.kind(good)).toBe('ok');
    expect(bench.egress.asked.slice(before)).toEqual([]);
  });

  it.each<[unknown]>([
    ['../../etc/passwd'],
    ["' OR 1=1"],
    ['x'.repeat(10_000)],
    [5],
    [['rsa-1']],
    [{ kid: 'rsa-1' }],
    [null],
    [''],
    ['__proto__'],
    ['constructor'],
    ['toString'],
  ])('T013: with a kid like this are refused: %.20j', async (kid) => {
    expect(await gate.kind(mint({}, { kid }))).toBe('denied');
    expect(await gate.kind(mint())).toBe('ok');
  });

  it('without a kid are good only where one key alone fits', async () => {
    const alone = await IdentityProvider.start();
    const later = new AuthBench();
    const judge = later.open({ authorization_servers: [alone.issuer] });
    // one RSA and one EC key: each alone for its algorithm
    expect(await judge.kind(alone.mint({ aud: RESOURCE }, { kid: undefined }))).toBe('ok');
    alone.rotate('rsa-2');
    later.clock.pass(11 * 60_000);
    const exp = Math.floor(later.clock.now() / 1000) + 60;
    expect(await judge.reason(alone.mint({ aud: RESOURCE, exp }, { kid: undefined }))).toMatch(/no single key/);
    await later.close();
    await alone.close();
  });

  it.each<[string, (at: number) => Record<string, unknown>, string]>([
    ['exp 31 s ago', (at) => ({ exp: at - 31 }), 'denied'],
    ['exp 29 s ago', (at) => ({ exp: at - 29 }), 'ok'],
    ['exp as text', (at) => ({ exp: String(at + 60) }), 'denied'],
    ['exp 1e308', () => ({ exp: 1e308 }), 'denied'],
    ['exp a fraction', (at) => ({ exp: at + 0.5 }), 'denied'],
    ['no exp', () => ({ exp: undefined }), 'denied'],
    ['exp null', () => ({ exp: null }), 'denied'],
    ['nbf in 31 s', (at) => ({ nbf: at + 31 }), 'denied'],
    ['nbf in 29 s', (at) => ({ nbf: at + 29 }), 'ok'],
    ['nbf as text', (at) => ({ nbf: String(at) }), 'denied'],
    ['iat in an hour', (at) => ({ iat: at + 3_600 }), 'denied'],
    ['iat as text', (at) => ({ iat: String(at) }), 'denied'],
    ['no iat', () => ({ iat: undefined }), 'ok'],
  ])('T017: with %s', async (_what, claims, kind) => {
    const at = now();
    expect(await gate.kind(mint({ iat: at - 60, exp: at + 60, ...claims(at) }))).toBe(kind);
  });

  it.each<[unknown]>([
    [undefined],
    ['https://n8n.example/api'],
    [`${RESOURCE}/`],
    [`${GATEWAY_URL}/mcp2`],
    [GATEWAY_URL],
    [{ resource: RESOURCE }],
    [[{ resource: RESOURCE }]],
    [[RESOURCE, 5]],
    [[[RESOURCE]]],
    [''],
    [[]],
    [RESOURCE.toUpperCase()],
  ])('T018: with the audience %j are refused', async (aud) => {
    expect(await gate.kind(mint({ aud }))).toBe('denied');
    expect(await gate.kind(mint({ aud: ['https://other.example', RESOURCE] }))).toBe('ok');
  });

  it('T032: for an upstream are refused, and the log says what they are for and which key to look at', async () => {
    const reason = await gate.reason(mint({ aud: 'https://n8n.example/api' }));
    expect(reason).toContain('https://n8n.example/api');
    expect(reason).toContain('oauth.audience');
    expect(reason).toContain(RESOURCE);
  });

  it('for one endpoint are good there alone; those for /mcp are good at all', async () => {
    const one = await idp.token({ resource: `${RESOURCE}/n8n` });
    expect(await gate.kind(one, '/mcp')).toBe('denied');
    expect(await gate.kind(one, '/mcp/n8n')).toBe('ok');
    expect(await gate.kind(one, '/mcp/n8n?x=1')).toBe('ok');
    for (const url of ['/mcp/github', '/mcp/n8n/', '/mcp/n8n2', '/mcp/%6e8n', '/admin', '/mcp']) {
      expect(await gate.kind(one, url)).toBe('denied');
    }
    const all = await idp.token({ resource: RESOURCE });
    for (const url of ['/mcp', '/mcp/n8n', '/mcp/github']) expect(await gate.kind(all, url)).toBe('ok');
  });

  it('for a configured audience are good', async () => {
    const judge = bench.open({ authorization_servers: [idp.issuer], audience: ['api://gateway'] });
    expect(await judge.kind(mint({ aud: 'api://gateway' }))).toBe('ok');
    expect(await judge.kind(mint({ aud: 'api://gateway2' }))).toBe('denied');
  });

  it('for a configured resource are good at every endpoint, and nothing else is', async () => {
    const judge = bench.open({ authorization_servers: [idp.issuer], resource: 'https://other.example/mcp' });
    expect(await judge.kind(mint({ aud: 'https://other.example/mcp' }), '/mcp/n8n')).toBe('ok');
    expect(await judge.kind(mint({ aud: RESOURCE }))).toBe('denied');
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['an ID token', { nonce: 'n', at_hash: 'h' }, { typ: 'JWT' }],
    ['an ID token with the type of an access token', { nonce: 'n' }, {}],
    ['a refresh token', { typ: 'Refresh' }, {}],
    ['a refresh token by its use', { token_use: 'refresh' }, {}],
    ['an ID-JAG', {}, { typ: 'oauth-id-jag+jwt' }],
    ['a DPoP proof', {}, { typ: 'dpop+jwt' }],
    ['a DPoP proof by its full name', {}, { typ: 'application/DPOP+JWT' }],
    ['a logout token', { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }, {}],
    ['a logout token by its type', {}, { typ: 'logout+jwt' }],
    ['a security event', {}, { typ: 'secevent+jwt' }],
    ['a JWT of no type', {}, { typ: undefined }],
    ['a type that is no text', {}, { typ: ['at+jwt'] }],
  ])('T020: %s is refused', async (_what, claims, header) => {
    expect(await gate.kind(mint(claims, header))).toBe('denied');
  });

  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt'])('may have the typ %s', async (typ) => {
    expect(await gate.kind(mint({}, { typ }))).toBe('ok');
  });

  it.each<[unknown]>([[undefined], [''], [5], ['x'.repeat(10_000)], ['a\nb'], [['a']], [null], ['a\u0000b']])(
    'T021: with a subject like this are refused: %.20j',
    async (sub) => {
      expect(await gate.kind(mint({ sub }))).toBe('denied');
    },
  );

  it('T022: of no good form are refused before any key is looked for', async () => {
    const fresh = new AuthBench();
    const judge = fresh.open({ authorization_servers: [idp.issuer] });
    const good = mint();
    const [header, claims, signature] = good.split('.');
    for (const token of [
      Array.from({ length: 50 }, () => 'YQ').join('.'),
      `${header}.${claims}`,
      `${header}.${claims}.${signature}.YQ`,
      `${header}.${claims}.`,
      `${header}..${signature}`,
      `.${claims}.${signature}`,
      `${header}.${claims}.${signature}==`,
      `${header}.${claims}+.${signature}`,
      `${header}.YWJj.${signature}`,
      `${header}.W10.${signature}`,
      `${header}.gICA.${signature}`,
      `YWJj.${claims}.${signature}`,
      'abc',
      '...',
    ]) {
      expect(await judge.kind(token)).toBe('denied');
    }
    expect(fresh.egress.asked).toEqual([]);
    expect(await judge.kind(good)).toBe('ok');
    await fresh.close();
  });

  it.each<[string, Record<string, unknown>]>([
    ['crit', { crit: ['x'] }],
    ['crit of a known name', { crit: ['exp'] }],
    ['b64', { b64: false }],
    ['b64 and crit', { b64: false, crit: ['b64'] }],
    ['zip', { zip: 'DEF' }],
    ['enc', { enc: 'A256GCM' }],
    ['a header of more than 1 KiB', { pad: 'x'.repeat(1_100) }],
  ])('T023: with %s are refused', async (_what, header) => {
    expect(await gate.kind(mint({}, header))).toBe('denied');
  });

  it('T023: that are encrypted are refused, and the log says what to ask for', async () => {
    expect(await gate.reason(`${mint().split('.')[0]}.a.b.c.d`)).toMatch(/encrypted/);
  });

  it('T026: with one subject from two issuers are two principals', async () => {
    const other = await IdentityProvider.start();
    const judge = bench.open({ authorization_servers: [idp.issuer, other.issuer] });
    const [one, two] = [await judge.principal(mint()), await judge.principal(other.mint({ aud: RESOURCE }))];
    expect(one.subject).toBe(two.subject);
    expect(one.key).not.toBe(two.key);
    // A key is good for its own issuer alone, whatever it is called.
    const [key] = other.keys;
    expect(await judge.kind(idp.mint({ aud: RESOURCE }, { kid: 'rsa-1' }, key && { key }))).toBe('denied');
    await other.close();
  });

  it('of an issuer that is not configured to the letter are refused', async () => {
    const before = bench.egress.asked.length;
    for (const iss of [
      `${idp.issuer}/`,
      idp.issuer.toUpperCase(),
      'https://evil.example',
      5,
      undefined,
      [idp.issuer],
    ]) {
      expect(await gate.kind(mint({ iss }))).toBe('denied');
    }
    expect(bench.egress.asked.slice(before)).toEqual([]);
  });

  it('T028: bound to a key and presented as bearer are refused (RS-51)', async () => {
    for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, {}, null])
      expect(await gate.kind(mint({ cnf }))).toBe('denied');
  });

  it('have claims that are own properties of an object without prototype', async () => {
    const text = JSON.stringify({ iss: idp.issuer, sub: 'x', aud: RESOURCE, exp: now() + 60, groups: ['User'] });
    const [key] = idp.keys;
    if (!key) throw new Error('no key');
    const odd = compactJws(
      { alg: 'RS256', typ: 'at+jwt', kid: key.kid },
      text.replace('{', '{"__proto__":{"groups":["Admin"]},'),
      key.privateKey,
    );
    const { claims } = await gate.principal(odd);
    expect(Object.getPrototypeOf(claims)).toBeNull();
    expect(claims['groups']).toEqual(['User']);
    expect('toString' in claims).toBe(false);
  });
});
