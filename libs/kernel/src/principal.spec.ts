import { describe, expect, it } from 'vitest';
import { ANONYMOUS, principal, principalKey } from './principal.js';
import { Secret } from './secret.js';

describe('principals', () => {
  it('are told apart by issuer and subject together', () => {
    const keys = [
      principalKey('https://a', 'x'),
      principalKey('https://b', 'x'),
      principalKey('https://a', 'y'),
      principalKey('https://ax', ''),
      principalKey('', 'https://ax'),
      principalKey('"', ''),
      principalKey('', '"'),
      principalKey('', '\ud800'),
      principalKey('', '\ud801'),
      principalKey('', '\ufffd'),
      ANONYMOUS.key,
      principalKey(ANONYMOUS.issuer, ANONYMOUS.subject),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('have the same key everywhere', () => {
    expect(principal('https://idp', 'alice').key).toBe(principalKey('https://idp', 'alice'));
    expect(principalKey('https://idp', 'alice')).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });

  it('carry what was said of them and cannot be changed', () => {
    const claims = JSON.parse('{"groups":["a"],"__proto__":{"admin":true}}') as Record<string, unknown>;
    const alice = principal('https://idp', 'alice', {
      claims,
      clientId: 'cli',
      expiresAt: 5,
      token: Secret.passing('t'),
    });
    expect(Object.keys(alice.claims)).toEqual(['groups', '__proto__']);
    expect(alice.claims['admin']).toBeUndefined();
    expect(alice.claims['constructor']).toBeUndefined();
    expect(alice).toMatchObject({ anonymous: false, clientId: 'cli', expiresAt: 5 });
    expect(JSON.stringify(alice)).toContain('"token":"[secret]"');
    expect([Object.isFrozen(alice), Object.isFrozen(alice.claims)]).toEqual([true, true]);
    expect(ANONYMOUS.anonymous).toBe(true);
    expect(Object.keys(ANONYMOUS.claims)).toEqual([]);
  });
});
