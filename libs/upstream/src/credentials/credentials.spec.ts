import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { Secret } from '#libs/kernel';
import { describeUpstreamCredential, testTarget } from '../testing/index.js';
import { BasicCredential } from './basic.credential.js';
import { BearerCredential } from './bearer.credential.js';
import { HeaderCredential } from './header.credential.js';
import { NoneCredential } from './none.credential.js';

const target = testTarget({});

describeUpstreamCredential('none', () => ({ credential: new NoneCredential(), settings: {} }));
describeUpstreamCredential('header', () => ({
  credential: new HeaderCredential(),
  settings: { header: 'x-key', value: new Secret('k 1') },
}));
describeUpstreamCredential('bearer', () => ({
  credential: new BearerCredential(),
  settings: { token: new Secret('abcdef') },
}));
describeUpstreamCredential('basic', () => ({
  credential: new BasicCredential(),
  settings: { username: 'ada', password: new Secret('pass:word') },
}));

describe('credentials for upstreams', () => {
  it('none asks for nothing and sends nothing', () => {
    expect(new NoneCredential().validate({})).toEqual([]);
    expect(new NoneCredential().headers()).toEqual({ kind: 'ok', headers: {} });
  });

  it('header sends one header', () => {
    const settings = { header: 'X-N8N-Key', value: new Secret('k 1') };
    expect(new HeaderCredential().validate(settings)).toEqual([]);
    expect(new HeaderCredential().headers(target, settings)).toEqual({ kind: 'ok', headers: { 'x-n8n-key': 'k 1' } });
    expect(new HeaderCredential().headers(target, { ...settings, value: '' })).toMatchObject({ kind: 'missing' });
  });

  it('bearer sends a token', () => {
    const settings = { token: new Secret('abc') };
    expect(new BearerCredential().validate(settings)).toEqual([]);
    expect(new BearerCredential().headers(target, settings)).toEqual({
      kind: 'ok',
      headers: { authorization: 'Bearer abc' },
    });
    expect(new BearerCredential().headers(target, {})).toMatchObject({ kind: 'missing' });
  });

  it('basic sends user name and password in UTF-8', () => {
    const settings = { username: 'jörg', password: new Secret('a:b') };
    expect(new BasicCredential().validate(settings)).toEqual([]);
    const pair = Buffer.from('jörg:a:b').toString('base64');
    expect(new BasicCredential().headers(target, settings)).toEqual({
      kind: 'ok',
      headers: { authorization: `Basic ${pair}` },
    });
    expect(new BasicCredential().headers(target, { username: 'a' })).toMatchObject({ kind: 'missing' });
  });

  it.each([
    [
      new HeaderCredential(),
      {},
      ['header: must be the name of an HTTP header', 'value: is required, for example "${SOME_VARIABLE}"'],
    ],
    [new HeaderCredential(), { header: 'a b', value: 'x' }, ['header: must be the name of an HTTP header']],
    [
      new HeaderCredential(),
      { header: 'Mcp_Session-Id', value: 'x' },
      ['header: "Mcp_Session-Id" is set by the gateway itself'],
    ],
    [new HeaderCredential(), { header: 'host', value: 'x' }, ['header: "host" is set by the gateway itself']],
    [
      new HeaderCredential(),
      { header: 'k', value: 'x\r\ny: z' },
      [/^value: contains characters a header cannot carry/],
    ],
    [new HeaderCredential(), { header: 'k', value: 'x'.repeat(9000) }, ['value: is longer than 8 KiB']],
    [new BearerCredential(), {}, [/^token: is required/]],
    [new BearerCredential(), { token: 'Bearer abc' }, [/^token: must be the token alone/]],
    [new BearerCredential(), { token: new Secret('abc\n') }, [/^token: contains characters.*line break/]],
    [new BasicCredential(), {}, ['username: is required', 'password: is required (it may be empty)']],
    [new BasicCredential(), { username: 'a:b', password: '' }, ['username: must not contain ":"']],
  ])('%o refuses %o', (credential, settings, expected) => {
    const problems = credential.validate(settings);
    expect(problems).toHaveLength(expected.length);
    problems.forEach((problem, i) => {
      expect(problem).toMatch(expected[i] as string | RegExp);
    });
  });

  it('never put a secret into a problem', () => {
    const settings = { header: 'k', value: new Secret('hush\nhush'), token: new Secret('Bearer hush'), username: 'u' };
    for (const credential of [new HeaderCredential(), new BearerCredential(), new BasicCredential()]) {
      expect(credential.validate(settings).join()).not.toContain('hush');
    }
  });
});
