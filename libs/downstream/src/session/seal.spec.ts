import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Secret } from '#libs/kernel';
import { cutText, MAX_CLIENT_TEXT, type SessionClaims } from './claims.js';
import { packCapabilities, unpackCapabilities } from './client-capabilities.js';
import { MAX_TOKEN, SessionSeal } from './seal.js';

const CLAIMS: SessionClaims = {
  id: Buffer.alloc(16, 7).toString('base64url'),
  principalKey: 'p'.repeat(22),
  endpoint: '/mcp',
  version: '2025-11-25',
  capabilities: 255,
  clientName: 'claude-code',
  clientVersion: '2.1.0',
  home: '00ff10aa',
  issuedAt: 1_700_000_000_000,
  expiresAt: 1_700_086_400,
};

describe('SessionSeal', () => {
  it('opens what any process with the same key sealed, and nothing sealed with another key', () => {
    const token = new SessionSeal(new Secret('key one')).seal(CLAIMS);
    expect(new SessionSeal(new Secret('key one')).open(token)).toEqual(CLAIMS);
    expect(new SessionSeal(new Secret('key two')).open(token)).toBeUndefined();
    expect(new SessionSeal(null).open(token)).toBeUndefined();
  });

  it('uses a key of its own per process when none is configured', () => {
    const [one, other] = [new SessionSeal(null), new SessionSeal(null)];
    expect(one.open(one.seal(CLAIMS))).toEqual(CLAIMS);
    expect(other.open(one.seal(CLAIMS))).toBeUndefined();
  });

  it('is visible ASCII, never twice the same, and shows nothing of what is inside', () => {
    const seal = new SessionSeal(null);
    const token = seal.seal(CLAIMS);
    expect(token).toMatch(/^g1\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]+$/);
    expect(seal.seal(CLAIMS)).not.toBe(token);
    expect(Buffer.from(token.split('.')[2] ?? '', 'base64url').includes('claude')).toBe(false);
  });

  it('stays within 512 characters for the longest claims there are', () => {
    const token = new SessionSeal(null).seal({
      ...CLAIMS,
      endpoint: `/mcp/${'x'.repeat(30)}`,
      clientName: cutText('\u{1f600}'.repeat(100)),
      clientVersion: cutText('ü'.repeat(100)),
    });
    expect(token.length).toBeLessThanOrEqual(MAX_TOKEN);
  });

  it('refuses a token with any single character changed, cut or added', () => {
    const seal = new SessionSeal(null);
    const token = seal.seal(CLAIMS);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
    for (let at = 0; at < token.length; at++) {
      const other = alphabet[(alphabet.indexOf(token[at] ?? '') + 1) % alphabet.length] ?? '';
      expect(seal.open(token.slice(0, at) + other + token.slice(at + 1))).toBeUndefined();
    }
    expect(seal.open(token.slice(0, -1))).toBeUndefined();
    expect(seal.open(`${token}A`)).toBeUndefined();
    expect(seal.open(`${token}=`)).toBeUndefined();
  });

  it('answers any text at all without throwing', () => {
    const seal = new SessionSeal(null);
    const [, kid = ''] = seal.seal(CLAIMS).split('.');
    fc.assert(fc.property(fc.string({ maxLength: 600 }), (text) => seal.open(text) === undefined));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        return seal.open(`g1.${kid}.${Buffer.from(bytes).toString('base64url')}`) === undefined;
      }),
    );
  });

  it('keeps names of any kind through the round trip', () => {
    const seal = new SessionSeal(null);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (name) => {
        const clientName = cutText(name);
        return seal.open(seal.seal({ ...CLAIMS, clientName }))?.clientName === clientName;
      }),
    );
  });
});

describe('cutText', () => {
  it('cuts at 64 bytes and never inside a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 120 }), (text) => {
        const cut = cutText(text);
        return Buffer.byteLength(cut) <= MAX_CLIENT_TEXT && text.startsWith(cut);
      }),
    );
  });
});

describe('client capabilities', () => {
  it.each([
    {},
    { elicitation: {} },
    { elicitation: { form: {} } },
    { elicitation: { form: {}, url: {} } },
    { sampling: {} },
    { sampling: { tools: {}, context: {} } },
    { roots: {} },
    { roots: { listChanged: true } },
    { elicitation: { url: {} }, sampling: { tools: {} }, roots: { listChanged: true } },
  ])('keeps %j as it was declared', (declared) => {
    expect(unpackCapabilities(packCapabilities(declared))).toEqual(declared);
  });

  it('drops what the gateway cannot relay', () => {
    const declared = { experimental: { x: {} }, tasks: {}, roots: { listChanged: 'yes' }, sampling: { other: {} } };
    expect(unpackCapabilities(packCapabilities(declared))).toEqual({ roots: {}, sampling: {} });
  });

  it.each([undefined, null, 'x', [], { elicitation: true }, { sampling: [] }])('reads %j as none', (declared) => {
    expect(packCapabilities(declared)).toBe(0);
  });
});
