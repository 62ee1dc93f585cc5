import { describe, expect, it } from 'vitest';
import { ANONYMOUS } from '#libs/kernel';
import { caller, tool } from '../testing/limits.js';
import { addressKey, keyOf } from './keys.js';

describe('keyOf', () => {
  it('T026: counts the same subject of two issuers as two principals', () => {
    const [one, two] = [caller({ issuer: 'https://a' }), caller({ issuer: 'https://b' })];
    expect(keyOf('principal', one, undefined)).not.toBe(keyOf('principal', two, undefined));
    expect(keyOf('principal', one, undefined)).toBe(keyOf('principal', caller({ issuer: 'https://a' }), undefined));
  });

  it('counts callers without a name by their address', () => {
    const from = (address: string) => keyOf('principal', caller({ principal: ANONYMOUS, address }), undefined);
    expect(from('203.0.113.1')).not.toBe(from('203.0.113.2'));
  });

  it('takes the client a token was issued to over what the client calls itself, and never one for the other', () => {
    const token = keyOf('client', caller({ clientId: 'app', client: 'claude' }), undefined);
    expect(token).toBe(keyOf('client', caller({ clientId: 'app', client: 'cursor' }), undefined));
    expect(token).not.toBe(keyOf('client', caller({ client: 'app' }), undefined));
  });

  it('tells tools, prompts and resources of one name apart', () => {
    const target = tool('n8n:send');
    expect(keyOf('tool', caller(), target)).not.toBe(keyOf('tool', caller(), { ...target, kind: 'prompt' }));
    expect(keyOf('server', caller(), target)).toBe('n8n');
  });

  it('keeps a key short whatever a stranger calls itself, or asks for', () => {
    const long = 'x'.repeat(1_000_000);
    const keys = [
      keyOf('client', caller({ client: long }), undefined),
      keyOf('client', caller({ client: `${long}y` }), undefined),
      keyOf('tool', caller(), { kind: 'resource', server: 'n8n', name: long }),
    ];
    for (const key of keys) expect(key.length).toBeLessThanOrEqual(128);
    expect(new Set(keys).size).toBe(3);
  });
});

describe('addressKey', () => {
  it('counts an IPv6 network of one customer as one address', () => {
    expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe(addressKey('2001:db8:1:2::1'));
    expect(addressKey('2001:db8:1:2::1')).not.toBe(addressKey('2001:db8:1:3::1'));
  });

  it('counts IPv4 addresses one by one, also where they are written as IPv6', () => {
    expect(addressKey('203.0.113.1')).toBe('203.0.113.1');
    expect(addressKey('::ffff:203.0.113.1')).toBe('203.0.113.1');
  });

  it('takes what is no address as it is', () => {
    expect(addressKey('')).toBe('');
    expect(addressKey('not:an:address')).toBe('not:an:address');
  });
});
