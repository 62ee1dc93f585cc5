import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GATEWAY, IdentityProvider } from '../../../test/support/idp.js';
import type { Answers } from '../../../test/support/switchboard.js';
import { RESOURCE } from './testing/asking.js';
import { AuthBench, type Judge } from './testing/bench.js';

describe('opaque tokens', () => {
  let bench: AuthBench;
  let idp: IdentityProvider;
  let gate: Judge;

  beforeEach(async () => {
    bench = new AuthBench();
    idp = (await IdentityProvider.start()).serve(RESOURCE, { format: 'opaque' }).serve('https://other.example', {
      format: 'opaque',
    });
    gate = bench.open({ authorization_servers: [idp.issuer], introspection: introspection() });
  });
  afterEach(async () => {
    await bench.close();
    await idp.close();
  });

  const introspection = (secret = GATEWAY.secret) => ({
    url: idp.introspectionUrl,
    client_id: GATEWAY.id,
    client_secret: secret,
  });
  const now = () => Math.floor(bench.clock.now() / 1000);
  const active = (change: Record<string, unknown> = {}) => ({
    active: true,
    iss: idp.issuer,
    sub: 'ann',
    aud: RESOURCE,
    exp: now() + 600,
    ...change,
  });
  const answering = (body: unknown) => {
    idp.introspection.answers = { body };
  };
  let count = 0;
  /** Another one each time, so that nothing is remembered of it. */
  const anyToken = () => `opaque-token-${++count}`;

  it('of a real provider make a principal, and are asked about once a minute', async () => {
    const token = await idp.token({ resource: RESOURCE, scope: 'admin' });
    const principal = await gate.principal(token);
    expect(principal).toMatchObject({ issuer: idp.issuer, subject: 'ada', clientId: 'ada', anonymous: false });
    expect(principal.claims).toMatchObject({ scope: 'admin', groups: ['Admin'] });
    expect(gate.ask(token)).toMatchObject({ kind: 'ok', principal });
    expect(idp.introspection.requests).toBe(1);
    bench.clock.pass(60_001);
    expect(await gate.kind(token)).toBe('ok');
    expect(idp.introspection.requests).toBe(2);
  });

  it('brought by many requests at once are asked about once', async () => {
    const token = await idp.token({ resource: RESOURCE });
    const found = await Promise.all(Array.from({ length: 50 }, () => gate.principal(token)));
    expect(new Set(found).size).toBe(1);
    expect(idp.introspection.requests).toBe(1);
  });

  it('T030: that were revoked are refused within a minute', async () => {
    const token = await idp.token({ resource: RESOURCE });
    expect(await gate.kind(token)).toBe('ok');
    await idp.revoke(token);
    bench.clock.pass(60_001);
    expect(await gate.reason(token)).toMatch(/not active/);
  });

  it('T030: the same when the date is set back meanwhile', async () => {
    const token = await idp.token({ resource: RESOURCE });
    expect(await gate.kind(token)).toBe('ok');
    await idp.revoke(token);
    bench.clock.jump(-3_600_000);
    bench.clock.pass(60_001);
    expect(await gate.kind(token)).toBe('denied');
  });

  it('nobody knows are refused, and asked about again after ten seconds', async () => {
    expect(await gate.kind('garbage')).toBe('denied');
    expect(gate.ask('garbage')).toBeInstanceOf(Promise);
    expect(await gate.kind('garbage')).toBe('denied');
    expect(idp.introspection.requests).toBe(1);
    bench.clock.pass(10_001);
    expect(await gate.kind('garbage')).toBe('denied');
    expect(idp.introspection.requests).toBe(2);
  });

  it('T032: for another service are refused', async () => {
    const token = await idp.token({ resource: 'https://other.example' });
    expect(await gate.reason(token)).toMatch(/https:\/\/other\.example.*oauth\.audience/);
  });

  it('are refused where nobody can be asked', async () => {
    const without = bench.open({ authorization_servers: [idp.issuer] });
    expect(await without.reason('garbage')).toMatch(/oauth\.introspection/);
    expect(idp.introspection.requests).toBe(0);
  });

  it('are never JWTs: those have no second chance', async () => {
    const [key] = idp.keys;
    for (const token of [
      idp.mint({ aud: RESOURCE, exp: 1 }),
      idp.mint({ aud: RESOURCE }, { alg: 'none' }),
      `${idp.mint().split('.')[0]}.not-a-jwt`,
      idp.mint({ aud: RESOURCE }, { pad: 'x'.repeat(4_000) }),
      `${Buffer.from(' \n{}').toString('base64url')}.x`,
      idp
        .mint({ aud: RESOURCE }, {}, { raw: key?.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string })
        .slice(0, -4),
    ]) {
      answering(active());
      expect(await gate.kind(token)).toBe('denied');
    }
    expect(idp.introspection.requests).toBe(0);
    expect(await gate.kind(anyToken())).toBe('ok');
  });

  it.each<[string, Record<string, unknown>]>([
    ['active as text', { active: 'true' }],
    ['active as a number', { active: 1 }],
    ['no active', { active: undefined }],
    ['no aud', { aud: undefined }],
    ['another aud', { aud: `${RESOURCE}/` }],
    ['an aud that is an object', { aud: { a: RESOURCE } }],
    ['no exp', { exp: undefined }],
    ['an exp in the past', { exp: 1 }],
    ['an nbf in the future', { nbf: 99_999_999_999 }],
    ['no sub', { sub: undefined }],
    ['no sub, for a user of a client', { sub: undefined, client_id: 'c', username: 'ann' }],
    ['a sub with a line break', { sub: 'a\nb' }],
    ['a foreign iss', { iss: 'https://evil.example' }],
    ['cnf', { cnf: { jkt: 'x' } }],
    ['a refresh token', { token_type: 'refresh_token' }],
  ])('T029: answered with %s are refused', async (_what, change) => {
    answering(active(change));
    expect(await gate.kind(anyToken())).toBe('denied');
    answering(active());
    expect(await gate.kind(anyToken())).toBe('ok');
  });

  it.each<[string, Answers, string]>([
    ['an error', { status: 500 }, 'unavailable'],
    ['too many requests', { status: 429 }, 'unavailable'],
    ['a redirect', { redirect: 'http://169.254.169.254/' }, 'unavailable'],
    ['5 MB and more', 'huge', 'unavailable'],
    ['HTML', 'html', 'unavailable'],
    ['a list', { body: [] }, 'unavailable'],
    ['a bad request', { status: 400, body: { error: 'unsupported_token_type' } }, 'denied'],
    ['refusal of the gateway itself', { status: 401 }, 'unavailable'],
  ])('T029: with an endpoint that answers with %s', async (_what, answers, kind) => {
    idp.introspection.answers = answers;
    expect(await gate.kind(anyToken())).toBe(kind);
    expect(bench.requests('169.254')).toBe(0);
    idp.introspection.answers = 'ok';
    expect(await gate.kind(await idp.token({ resource: RESOURCE }))).toBe('ok');
  });

  it('T029: with an endpoint that hangs are neither good nor bad', async () => {
    idp.introspection.answers = 'hang';
    expect(await gate.kind(anyToken())).toBe('unavailable');
  });

  it('T029: with a wrong secret of the gateway are answered with 503, and the log is loud about it once a minute', async () => {
    const wrong = bench.open({
      authorization_servers: [idp.issuer],
      introspection: introspection('wrong-secret-0123456789'),
    });
    const token = await idp.token({ resource: RESOURCE });
    expect(await wrong.kind(token)).toBe('unavailable');
    expect(await wrong.kind(anyToken())).toBe('unavailable');
    const loud = bench.lines.filter(({ level }) => level === 'error');
    expect(loud).toHaveLength(1);
    expect(loud[0]?.message).toContain('oauth.introspection.client_id');
    expect(JSON.stringify(bench.lines)).not.toContain('wrong-secret');
  });

  it('leave an endpoint that keeps failing alone, and then try with one', async () => {
    idp.introspection.answers = { status: 500 };
    for (let failures = 0; failures < 3; failures++) await gate.kind(anyToken());
    expect(idp.introspection.requests).toBe(3);
    expect(await gate.kind(anyToken())).toBe('unavailable');
    expect(idp.introspection.requests).toBe(3);
    bench.clock.pass(31_000);
    const kinds = await Promise.all(Array.from({ length: 20 }, () => gate.kind(anyToken())));
    expect(new Set(kinds)).toEqual(new Set(['unavailable']));
    expect(idp.introspection.requests).toBe(4);
    idp.introspection.answers = 'ok';
    bench.clock.pass(31_000);
    expect(await gate.kind(await idp.token({ resource: RESOURCE }))).toBe('ok');
    expect(await gate.kind('garbage')).toBe('denied');
  });

  it('are asked about twenty at a time, and beyond two hundred waiting callers are told to come back', async () => {
    idp.introspection.answers = 'hang';
    const asked = Array.from({ length: 230 }, () => gate.kind(anyToken()));
    expect(await Promise.race(asked.slice(220))).toBe('unavailable');
    expect(idp.introspection.requests).toBeLessThanOrEqual(20);
    idp.introspection.answers = { status: 500 };
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['unavailable']));
  });

  it('that name no issuer belong to the one at the address that was asked, or to nobody', async () => {
    const other = await IdentityProvider.start();
    const both = (introspect: unknown) =>
      bench.open({ authorization_servers: [other.issuer, idp.issuer], introspection: introspect });
    answering(active({ iss: undefined }));
    expect((await both(introspection()).principal(anyToken())).issuer).toBe(idp.issuer);
    const foreign = { ...introspection(), url: idp.introspectionUrl.replace('127.0.0.1', 'localhost') };
    expect(await both(foreign).reason(anyToken())).toMatch(/names no issuer/);
    expect((await gate.principal(anyToken())).issuer).toBe(idp.issuer);
    await other.close();
  });
});
