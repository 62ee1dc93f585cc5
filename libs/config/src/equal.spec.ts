import { describe, expect, it } from 'vitest';
import { Secret } from '#libs/kernel';
import { equalConfig } from './equal.js';
import { UpstreamConfig } from './sections/upstream.config.js';

describe('equalConfig', () => {
  it('compares values, not objects', () => {
    expect(equalConfig(new UpstreamConfig(), new UpstreamConfig())).toBe(true);
    expect(equalConfig({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toBe(true);
    expect(equalConfig({ a: undefined }, {})).toBe(true);
  });

  it.each([
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { b: 1 }],
    [{ a: [1] }, { a: { 0: 1 } }],
    [{ a: null }, { a: {} }],
    [{ a: 1 }, { a: 1, b: 2 }],
  ])('tells %j from %j', (a, b) => {
    expect(equalConfig(a, b)).toBe(false);
  });

  it('looks into secrets', () => {
    expect(equalConfig({ a: new Secret('x') }, { a: new Secret('x') })).toBe(true);
    expect(equalConfig({ a: new Secret('x') }, { a: new Secret('y') })).toBe(false);
    expect(equalConfig({ a: new Secret('x') }, { a: 'x' })).toBe(false);
  });
});
