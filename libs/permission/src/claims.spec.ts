import { describe, expect, it } from 'vitest';
import { principal } from '#libs/kernel';
import { claimTexts } from './claims.js';

const texts = (claims: object, claim: string) =>
  claimTexts(principal('i', 's', { claims: claims as Record<string, unknown> }).claims, claim);

describe('a claim', () => {
  it.each<[object, string, string[]]>([
    [{ groups: 'Admin' }, 'groups', ['Admin']],
    [{ groups: 'Admin User' }, 'groups', ['Admin User']],
    [{ groups: ['Admin', 'User'] }, 'groups', ['Admin', 'User']],
    [{ groups: ['Admin', 7, null, { a: 1 }, ['User'], true] }, 'groups', ['Admin']],
    [{ admin: true }, 'admin', ['true']],
    [{ admin: false }, 'admin', ['false']],
    [{ level: 7 }, 'level', []],
    [{ groups: { Admin: true } }, 'groups', []],
    [{ groups: null }, 'groups', []],
    [{}, 'groups', []],
    // scopes
    [{ scope: 'a b' }, 'scope', ['a', 'b']],
    [{ scp: 'a b' }, 'scp', ['a', 'b']],
    [{ scp: ['a', 'b c'] }, 'scp', ['a', 'b c']],
    // paths
    [{ realm_access: { roles: ['reader'] } }, 'realm_access.roles', ['reader']],
    [{ 'realm_access.roles': 'own', realm_access: { roles: 'path' } }, 'realm_access.roles', ['own']],
    [{ 'realm_access.roles': 5, realm_access: { roles: 'path' } }, 'realm_access.roles', []],
    [{ 'https://acme.example/roles': ['x'] }, 'https://acme.example/roles', ['x']],
    [{ realm_access: 'x' }, 'realm_access.length', []],
    [{ list: ['x'] }, 'list.0', []],
    [{ list: ['x'] }, 'list.length', []],
  ])('%j at %s stands for %j', (claims, claim, expected) => {
    expect(texts(claims, claim)).toEqual(expected);
  });

  it('is never one that objects have by nature', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'constructor.name', 'a.constructor.name'])
      expect(texts({ a: {} }, name)).toEqual([]);
    expect(texts(JSON.parse('{"__proto__":"Admin"}'), '__proto__')).toEqual(['Admin']);
    expect(texts(JSON.parse('{"a":{"__proto__":{"b":"Admin"}}}'), 'a.b')).toEqual([]);
  });
});
