import { describe, expect, it } from 'vitest';
import { ANONYMOUS, principal, principalKey } from './principal.js';

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

  it('carry their scopes and cannot be changed', () => {
    const alice = principal('https://idp', 'alice', ['a:read', 'a:read', 'b']);
    expect([...alice.scopes]).toEqual(['a:read', 'b']);
    expect(alice.anonymous).toBe(false);
    expect(Object.isFrozen(alice)).toBe(true);
    expect(ANONYMOUS.anonymous).toBe(true);
    expect(ANONYMOUS.scopes.size).toBe(0);
  });
});
