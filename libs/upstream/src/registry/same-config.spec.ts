import { describe, expect, it } from 'vitest';
import { UpstreamConfig } from '#libs/config';
import { Secret } from '#libs/kernel';
import { sameConfig } from './same-config.js';

describe('sameConfig', () => {
  it('compares values, not objects', () => {
    expect(sameConfig(new UpstreamConfig(), new UpstreamConfig())).toBe(true);
    expect(sameConfig({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toBe(true);
    expect(sameConfig({ a: undefined }, {})).toBe(true);
  });

  it.each([
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { b: 1 }],
    [{ a: [1] }, { a: { 0: 1 } }],
    [{ a: null }, { a: {} }],
    [{ a: 1 }, { a: 1, b: 2 }],
  ])('tells %j from %j', (a, b) => {
    expect(sameConfig(a, b)).toBe(false);
  });

  it('looks into secrets', () => {
    expect(sameConfig({ a: new Secret('x') }, { a: new Secret('x') })).toBe(true);
    expect(sameConfig({ a: new Secret('x') }, { a: new Secret('y') })).toBe(false);
    expect(sameConfig({ a: new Secret('x') }, { a: 'x' })).toBe(false);
  });
});
