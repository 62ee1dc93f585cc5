import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { ANONYMOUS, principal, Secret } from '#libs/kernel';
import { testTarget } from '../testing/index.js';
import { PassthroughCredential } from './passthrough.credential.js';

const credential = new PassthroughCredential();
const target = testTarget({ name: 'n8n' });
const settings = { i_understand: true, audience: ['n8n-api', 'n8n-old'] };
const alice = principal('https://idp.example.com', 'alice', { token: Secret.passing('gateway-token') });

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: unknown) => `${part({ alg: 'RS256' })}.${part(claims)}.c2ln`;
const brought = (value: string) => ({ 'x-upstream-authorization-n8n': value });
const ask = (value?: string, who = alice, block: Record<string, unknown> = settings) =>
  credential.headers(target, block, who, value === undefined ? {} : brought(value));

describe('unsafe_passthrough', () => {
  it.each([
    ['one audience', { aud: 'n8n-api' }],
    ['several', { aud: ['other', 'n8n-old'] }],
  ])('hands on the token a client brought for this upstream, with %s', (_name, claims) => {
    const token = jwt(claims);
    expect(ask(`Bearer ${token}`)).toEqual({ kind: 'ok', headers: { authorization: `Bearer ${token}` } });
    expect(ask(`bearer  ${token}`)).toEqual({ kind: 'ok', headers: { authorization: `Bearer ${token}` } });
  });

  it.each([
    ['no header', undefined, /brought no X-Upstream-Authorization-n8n header/],
    ['another audience', `Bearer ${jwt({ aud: 'gateway' })}`, /none of the audiences in auth\.audience/],
    ['an audience that only begins like it', `Bearer ${jwt({ aud: 'n8n-api2' })}`, /none of the audiences/],
    ['no audience', `Bearer ${jwt({ sub: 'x' })}`, /none of the audiences/],
    ['an audience that is no text', `Bearer ${jwt({ aud: [{ toString: 'n8n-api' }, 5] })}`, /none of the audiences/],
    ['another scheme', `Basic ${jwt({ aud: 'n8n-api' })}`, /must be "Bearer" and a JWT/],
    ['the token alone', jwt({ aud: 'n8n-api' }), /must be "Bearer" and a JWT/],
    ['an opaque token', 'Bearer opaque', /must be "Bearer" and a JWT/],
    ['a payload that is no JSON', 'Bearer aaaa.bbbb.cccc', /must be "Bearer" and a JWT/],
    ['a payload that is no object', `Bearer ${jwt('text')}`, /must be "Bearer" and a JWT/],
    ['two tokens', `Bearer ${jwt({ aud: 'n8n-api' })}, Bearer x.y.z`, /must be "Bearer" and a JWT/],
    ['one too long', `Bearer ${jwt({ aud: 'n8n-api', pad: 'x'.repeat(20_000) })}`, /must be "Bearer" and a JWT/],
  ])('T031: sends nothing in its place when there is %s', (_name, value, reason) => {
    for (const who of [alice, ANONYMOUS]) {
      expect(ask(value, who)).toEqual({ kind: 'missing', reason: expect.stringMatching(reason) });
    }
  });

  it('never hands on the token the gateway itself was called with', () => {
    const token = jwt({ aud: ['gateway', 'n8n-api'] });
    const caller = principal('https://idp.example.com', 'alice', { token: Secret.passing(token) });
    expect(ask(`Bearer ${token}`, caller)).toMatchObject({ kind: 'missing', reason: /token for the gateway itself/ });
  });

  it('does nothing without its explicit words', () => {
    const token = `Bearer ${jwt({ aud: 'n8n-api' })}`;
    for (const word of [false, 'true', undefined]) {
      expect(ask(token, alice, { ...settings, i_understand: word })).toMatchObject({ kind: 'missing' });
    }
    expect(ask(token, alice, { i_understand: true })).toMatchObject({ kind: 'missing' });
    expect(ask(token, alice, { i_understand: true, audience: [] })).toMatchObject({ kind: 'missing' });
  });

  it('gives the gateway’s own requests nobody’s token', () => {
    expect(credential.headers(target, settings, undefined, brought(`Bearer ${jwt({ aud: 'n8n-api' })}`))).toEqual({
      kind: 'missing',
      reason: expect.stringMatching(/no credential of its own/),
    });
  });

  it('repeats no part of what was brought', () => {
    for (const value of [`Bearer ${jwt({ aud: 'other-audience' })}`, 'Bearer opaque-token']) {
      expect(JSON.stringify(ask(value))).not.toMatch(/other-audience|opaque-token|eyJ/);
    }
  });

  it('tells owners of tokens apart, and knows a renewed token of the same owner', () => {
    const identity = (claims: unknown) => credential.identity(target, settings, brought(`Bearer ${jwt(claims)}`));
    const x = identity({ aud: 'n8n-api', iss: 'i', sub: 'x', jti: 1 });
    expect(identity({ aud: 'n8n-api', iss: 'i', sub: 'x', jti: 2 })).toBe(x);
    expect(identity({ aud: 'n8n-api', iss: 'i', sub: 'y' })).not.toBe(x);
    expect(identity({ aud: 'n8n-api', iss: 'j', sub: 'x' })).not.toBe(x);
    expect(identity({ aud: 'n8n-api', jti: 1 })).not.toBe(identity({ aud: 'n8n-api', jti: 2 }));
    expect(credential.identity(target, settings, {})).toBe('');
    expect(x).toMatch(/^[\w-]{22}$/);
  });
});
