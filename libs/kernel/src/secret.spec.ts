import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from './secret.js';

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
