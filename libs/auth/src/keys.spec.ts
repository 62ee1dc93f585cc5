import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IdentityProvider } from '../../../test/support/idp.js';
import { signingKey } from '../../../test/support/signing.js';
import type { Answers } from '../../../test/support/switchboard.js';
import { until } from '../../../test/support/wait.js';
import { RESOURCE } from './testing/asking.js';
import { AuthBench, type Judge } from './testing/bench.js';

const MINUTE = 60_000;

describe("an issuer's keys", () => {
  let bench: AuthBench;
  let idp: IdentityProvider;
  let gate: Judge;

  beforeEach(async () => {
    bench = new AuthBench();
    idp = await IdentityProvider.start();
    gate = bench.open({ authorization_servers: [idp.issuer] });
  });
  afterEach(async () => {
    await bench.close();
    await idp.close();
  });

  /** A token that is good whatever time a test has made it. */
  const mint = (header: Record<string, unknown> = {}, options?: Parameters<IdentityProvider['mint']>[2]) => {
    const now = Math.floor(bench.clock.now() / 1000);
    return idp.mint({ aud: RESOURCE, iat: now, exp: now + 600 }, header, options);
  };
  const pass = (milliseconds: number) => bench.clock.pass(milliseconds);
  const retryAfter = async (token: string) => {
    const outcome = await gate.ask(token);
    return outcome.kind === 'unavailable' ? outcome.retryAfterSeconds : outcome.kind;
  };

  it('are found by discovery, fetched once for all who wait, and kept', async () => {
    const kinds = await Promise.all(Array.from({ length: 100 }, () => gate.kind(mint())));
    expect(new Set(kinds)).toEqual(new Set(['ok']));
    expect([idp.discovery.requests, idp.jwks.requests]).toEqual([1, 1]);
    pass(7 * MINUTE);
    expect(await gate.kind(mint())).toBe('ok');
    expect(idp.jwks.requests).toBe(1);
  });

  it('are taken from oauth.jwks_uri without discovery', async () => {
    const fixed = bench.open({ authorization_servers: [idp.issuer], jwks_uri: idp.jwksUri });
    expect(await fixed.kind(mint())).toBe('ok');
    expect([idp.discovery.requests, idp.jwks.requests]).toEqual([0, 1]);
  });

  it('are refreshed in the background before they are stale', async () => {
    await gate.kind(mint());
    pass(8 * MINUTE + 1);
    idp.jwks.answers = 'hang';
    expect(await gate.kind(mint())).toBe('ok');
    await until('the refresh', () => idp.jwks.requests === 2);
  });

  it('are asked for again before they are used when they are stale', async () => {
    await gate.kind(mint());
    const old = mint();
    idp.rotate('rsa-2');
    idp.retire('rsa-1');
    pass(10 * MINUTE + 1);
    expect(await gate.kind(old)).toBe('denied');
    expect(await gate.kind(mint())).toBe('ok');
    expect(idp.jwks.requests).toBe(2);
  });

  it('T014: cost one fetch per cool-down, however many tokens name keys that nobody has', async () => {
    await gate.kind(mint());
    pass(MINUTE);
    const before = idp.jwks.requests;
    const stranger = signingKey('stranger');
    const template = mint({ kid: 'KID' }, { key: stranger }).split('.');
    for (let round = 0; round < 10; round++) {
      const kinds = await Promise.all(
        Array.from({ length: 1_000 }, (_, index) => {
          const header = { alg: 'RS256', typ: 'at+jwt', kid: `random-${round}-${index}` };
          const first = Buffer.from(JSON.stringify(header)).toString('base64url');
          return gate.kind(`${first}.${template[1]}.${template[2]}`);
        }),
      );
      expect(new Set(kinds)).toEqual(new Set(['denied']));
      expect(await gate.kind(mint())).toBe('ok');
      pass(1_000);
    }
    expect(idp.jwks.requests - before).toBe(1);
    pass(20_001);
    await gate.kind(mint({ kid: 'once-more' }, { key: stranger }));
    expect(idp.jwks.requests - before).toBe(2);
  });

  it('that a fetch did not find are remembered for a minute', async () => {
    await gate.kind(mint());
    pass(31_000);
    const unknown = () => gate.kind(mint({ kid: 'nobody' }));
    expect(await unknown()).toBe('denied');
    expect(idp.jwks.requests).toBe(2);
    pass(40_000);
    expect(await unknown()).toBe('denied');
    expect(idp.jwks.requests).toBe(2);
    pass(21_000);
    expect(await unknown()).toBe('denied');
    expect(idp.jwks.requests).toBe(3);
  });

  it('T016: are good within 30 s of a rotation, and no longer once they are taken back', async () => {
    const old = mint();
    expect(await gate.kind(old)).toBe('ok');
    idp.rotate('rsa-2');
    expect(await gate.kind(mint())).toBe('denied');
    pass(30_001);
    expect(await gate.kind(mint())).toBe('ok');
    expect(gate.ask(old)).toMatchObject({ kind: 'ok' });
    idp.retire('rsa-1');
    pass(10 * MINUTE + 1);
    expect(await gate.kind(mint())).toBe('ok');
    expect(await gate.kind(old)).toBe('denied');
    expect(bench.lines).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('took back a key') }),
    );
  });

  it('that are taken back make every token seen before be judged anew at once', async () => {
    const now = () => Math.floor(bench.clock.now() / 1000);
    const old = idp.mint({ aud: RESOURCE, exp: now() + 3_600 });
    await gate.kind(old);
    pass(9 * MINUTE + 50_000);
    expect(await gate.kind(old)).toBe('ok');
    await until('the refresh in the background', () => idp.jwks.requests === 2);
    pass(9 * MINUTE + 50_000);
    expect(await gate.kind(old)).toBe('ok');
    await until('the next one', () => idp.jwks.requests === 3);
    expect(gate.ask(old)).toMatchObject({ kind: 'ok' });
    idp.rotate('rsa-2');
    idp.retire('rsa-1');
    // somebody else's unknown key makes the issuer be asked
    pass(31_000);
    expect(await gate.kind(mint())).toBe('ok');
    expect(await gate.kind(old)).toBe('denied');
  });

  it('replaced by another key under the same id are not good any more', async () => {
    const old = mint();
    expect(await gate.kind(old)).toBe('ok');
    idp.keys = [signingKey('rsa-1')];
    pass(10 * MINUTE + 1);
    expect(await gate.reason(old)).toMatch(/signature/);
    expect(await gate.kind(mint())).toBe('ok');
  });

  const FAILURES: [string, Answers][] = [
    ['an error', { status: 500 }],
    ['a redirect to a metadata service', { redirect: 'http://169.254.169.254/latest' }],
    ['50 MB', 'huge'],
    ['HTML', 'html'],
    ['keys that are no list', { body: { keys: 'none' } }],
    ['no keys at all', { body: {} }],
    ['a list', { body: [] }],
    ['too many keys', { body: { keys: Array.from({ length: 101 }, () => ({ kty: 'RSA' })) } }],
  ];

  it.each(FAILURES)(
    'T015: stay good for a day while the issuer answers with %s; without any, 503',
    async (_what, answers) => {
      expect(await gate.kind(mint())).toBe('ok');
      idp.jwks.answers = answers;
      const cold = bench.open({ authorization_servers: [idp.issuer], jwks_uri: idp.jwksUri });
      expect(await cold.kind(mint())).toBe('unavailable');
      for (let hours = 0; hours < 23; hours++) {
        pass(60 * MINUTE);
        expect(await gate.kind(mint())).toBe('ok');
        expect(await cold.kind(mint())).toBe('unavailable');
      }
      pass(61 * MINUTE);
      expect(await gate.kind(mint())).toBe('unavailable');
      // Of 50 MB little was sent, and the address of the redirect was never asked.
      expect(idp.jwks.sent).toBeLessThan(idp.jwks.requests * 8 * 1024 * 1024);
      expect(bench.requests('169.254')).toBe(0);
      idp.jwks.answers = 'ok';
      pass(2 * MINUTE);
      expect(await gate.kind(mint())).toBe('ok');
      expect(await cold.kind(mint())).toBe('ok');
    },
  );

  it('T015: stay good while the issuer hangs, and callers wait once at most', async () => {
    expect(await gate.kind(mint())).toBe('ok');
    idp.jwks.answers = 'hang';
    pass(11 * MINUTE);
    const started = performance.now();
    expect(await gate.kind(mint())).toBe('ok');
    expect(performance.now() - started).toBeLessThan(8_000);
    expect(gate.ask(mint())).toBeInstanceOf(Promise);
    const again = performance.now();
    expect(await gate.kind(mint())).toBe('ok');
    expect(performance.now() - again).toBeLessThan(1_000);
    expect(idp.jwks.requests).toBe(2);
  });

  it('T015: that are symmetric, for encryption, private or weak are ignored', async () => {
    const weak = signingKey('weak', 'RS256', 1024);
    const sealing = signingKey('sealing');
    const leaked = signingKey('leaked');
    idp.extraKeys = [
      { kty: 'oct', kid: 'secret', alg: 'HS256', k: Buffer.from('secret').toString('base64url') },
      weak.publicJwk,
      { ...sealing.publicJwk, use: 'enc' },
      leaked.privateJwk,
      { kty: 'unheard-of', kid: 'x' },
    ];
    expect(await gate.kind(mint())).toBe('ok');
    expect(await gate.kind(mint({ alg: 'HS256', kid: 'secret' }, { raw: 'secret' }))).toBe('denied');
    for (const key of [weak, sealing, leaked]) expect(await gate.kind(mint({}, { key }))).toBe('denied');
  });

  it('that are for another algorithm are not used for this one', async () => {
    const key = signingKey('ps', 'PS256');
    idp.extraKeys = [key.publicJwk];
    expect(await gate.kind(mint({}, { key }))).toBe('ok');
    expect(await gate.kind(mint({ alg: 'RS256' }, { key }))).toBe('denied');
  });

  it('an empty set takes every key back', async () => {
    expect(await gate.kind(mint())).toBe('ok');
    idp.jwks.answers = { body: { keys: [] } };
    pass(11 * MINUTE);
    expect(await gate.kind(mint())).toBe('denied');
    expect(bench.lines).toContainEqual(expect.objectContaining({ level: 'error' }));
  });

  it('nobody could fetch are asked for after the back-off, also when the date was set back meanwhile', async () => {
    idp.jwks.answers = { status: 500 };
    expect(await retryAfter(mint())).toBeGreaterThan(0);
    bench.clock.jump(-120 * MINUTE);
    idp.jwks.answers = 'ok';
    pass(MINUTE);
    expect(await gate.kind(mint())).toBe('ok');
  });

  it('nobody can fetch are asked for once per back-off, and callers are told when to come back', async () => {
    idp.jwks.answers = { status: 500 };
    expect(await retryAfter(mint())).toBeGreaterThan(0);
    const waits: number[] = [];
    for (let round = 0; round < 6; round++) {
      const before = idp.jwks.requests;
      const wait = await retryAfter(mint());
      await Promise.all(Array.from({ length: 50 }, () => gate.kind(mint())));
      expect(idp.jwks.requests).toBe(before);
      waits.push(Number(wait));
      pass(Number(wait) * 1_000);
      await gate.kind(mint());
      expect(idp.jwks.requests).toBe(before + 1);
    }
    expect(Math.max(...waits)).toBeLessThanOrEqual(60);
    expect(waits.at(-1)).toBeGreaterThan(waits[0] ?? 0);
    idp.jwks.answers = 'ok';
    pass(61_000);
    expect(await gate.kind(mint())).toBe('ok');
    expect(bench.lines).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('can be fetched again') }),
    );
  });

  it('while they cannot be refreshed, an id nobody knows is neither good nor bad', async () => {
    expect(await gate.kind(mint())).toBe('ok');
    idp.jwks.answers = { status: 500 };
    pass(MINUTE);
    idp.rotate('rsa-2');
    expect(await gate.kind(mint())).toBe('unavailable');
    const before = idp.jwks.requests;
    for (let count = 0; count < 50; count++) expect(await gate.kind(mint({ kid: `r${count}` }))).toBe('unavailable');
    expect(idp.jwks.requests).toBe(before);
    expect(await gate.kind(mint({}, { key: idp.keys[1] as never }))).toBe('ok');
  });

  it('survive a change of the configuration while the issuer is away', async () => {
    expect(await gate.kind(mint())).toBe('ok');
    idp.jwks.answers = { status: 500 };
    idp.discovery.answers = { status: 500 };
    const next = bench.open({ authorization_servers: [idp.issuer], audience: ['api://more'] });
    gate.authenticator.close?.();
    expect(await next.kind(mint())).toBe('ok');
  });

  describe('and the metadata that names them', () => {
    it.each<[string, Record<string, unknown>]>([
      ['another issuer', { issuer: 'https://evil.example' }],
      ['the issuer with a slash', { issuer: 'SLASH' }],
      ['no issuer', { issuer: undefined }],
      ['no jwks_uri', { jwks_uri: undefined }],
      ['a jwks_uri over http elsewhere', { jwks_uri: 'http://keys.example/jwks' }],
      ['a private jwks_uri elsewhere', { jwks_uri: 'https://10.0.0.1/jwks' }],
      ['a jwks_uri at a metadata service', { jwks_uri: 'http://169.254.169.254/jwks' }],
      ['a jwks_uri on another port of this machine', { jwks_uri: 'http://127.0.0.1:1/jwks' }],
      ['a jwks_uri that is a file', { jwks_uri: 'file:///etc/passwd' }],
    ])('are no good with %s', async (_what, change) => {
      const issuer = change['issuer'] === 'SLASH' ? { issuer: `${idp.issuer}/` } : {};
      const body = { issuer: idp.issuer, jwks_uri: idp.jwksUri, ...change, ...issuer };
      idp.discovery.answers = { body };
      expect(await gate.kind(mint())).toBe('unavailable');
      expect(idp.jwks.requests).toBe(0);
      idp.discovery.answers = { body: { issuer: idp.issuer, jwks_uri: idp.jwksUri } };
      pass(MINUTE);
      expect(await gate.kind(mint())).toBe('ok');
    });

    it('follow no redirect', async () => {
      idp.discovery.answers = { redirect: 'http://169.254.169.254/' };
      expect(await gate.kind(mint())).toBe('unavailable');
      expect(bench.requests('169.254')).toBe(0);
    });

    it('may lie where RFC 8414 puts them, before the path of the issuer', async () => {
      const mounted = await IdentityProvider.start({ path: '/tenants/one' });
      const judge = bench.open({ authorization_servers: [mounted.issuer] });
      mounted.discovery.answers = { status: 404 };
      const token = mounted.mint({ aud: RESOURCE });
      expect(await judge.kind(token)).toBe('unavailable');
      const { origin } = new URL(mounted.issuer);
      const asked = bench.egress.asked.filter((url) => url.startsWith(origin));
      expect(asked).toEqual([
        `${mounted.issuer}/.well-known/openid-configuration`,
        `${origin}/.well-known/oauth-authorization-server/tenants/one`,
      ]);
      mounted.discovery.answers = 'ok';
      pass(MINUTE);
      expect(await judge.kind(token)).toBe('ok');
      await mounted.close();
    });
  });
});
