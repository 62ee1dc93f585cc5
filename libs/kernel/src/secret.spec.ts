import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { maskSecrets, rememberSecret, Secret } from './secret.js';

describe('Secret', () => {
  const secret = new Secret('hunter2');

  it('tells only whoever asks for it', () => {
    expect(secret.reveal()).toBe('hunter2');
  });

  it.each([
    ['String', String(secret)],
    ['a template', `${secret}`],
    ['concatenation', ''.concat(secret as unknown as string)],
    ['JSON', JSON.stringify({ secret })],
    ['inspect', inspect({ deep: { secret } }, { depth: 9, showHidden: true })],
    ['inspect without custom printing', inspect(secret, { customInspect: false, showHidden: true })],
    ['format', format('%s %o %O %j', secret, secret, secret, secret)],
    ['its keys', JSON.stringify([Object.entries(secret), Reflect.ownKeys(secret)].map(String))],
    ['a copy', JSON.stringify({ ...secret })],
    ['an error', new Error(`bad ${secret}`, { cause: secret }).stack],
  ])('is not printed by %s', (_way, printed) => {
    expect(printed).not.toContain('hunter2');
  });

  it('prints as [secret]', () => {
    expect([`${secret}`, JSON.stringify(secret), inspect(secret)]).toEqual(['[secret]', '"[secret]"', '[secret]']);
  });
});

describe('maskSecrets', () => {
  it('takes the values of secrets out of texts, plain and as they stand in JSON', () => {
    new Secret('swordfish-1');
    new Secret('with "quotes"');
    expect(maskSecrets('got swordfish-1 and swordfish-1, not swordfish-2')).toBe(
      'got [secret] and [secret], not swordfish-2',
    );
    expect(maskSecrets(JSON.stringify({ said: 'with "quotes" twice' }))).toBe('{"said":"[secret] twice"}');
  });

  it.each([
    ['a URL', `http://a/?k=${encodeURIComponent('käse/+ & brot!')}&b=1`],
    ['a form', new URLSearchParams({ a: 'käse/+ & brot!' }).toString()],
    ...['', 'x', 'xy', 'xyz', 'user:'].flatMap((before): [string, string][] => [
      [`Base64 behind "${before}"`, Buffer.from(`${before}käse/+ & brot!:more`).toString('base64')],
      [`Base64 for URLs behind "${before}"`, Buffer.from(`${before}käse/+ & brot!`).toString('base64url')],
    ]),
  ])('finds a value in %s', (_, text) => {
    new Secret('käse/+ & brot!');
    expect(maskSecrets(text)).toContain('[secret]');
  });

  it('takes the longer one out first, and leaves short ones, which occur by chance', () => {
    rememberSecret('open-sesame');
    rememberSecret('open-sesame-and-more');
    new Secret('short');
    expect(maskSecrets('open-sesame-and-more in short')).toBe('[secret] in short');
  });
});
