import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesTemplate } from './uri-template.js';
import { exposeUri, hasScheme, isHttpUri, splitUri } from './uris.js';

describe('exposed URIs', () => {
  it('puts the server in front, and into the authority of ui: URIs', () => {
    expect(exposeUri('fs', 'file:///a/b')).toBe('fs+file:///a/b');
    expect(exposeUri('app', 'ui://weather/view.html')).toBe('ui://app+weather/view.html');
    expect(exposeUri('db', 'db://{table}{?limit}')).toBe('db+db://{table}{?limit}');
  });

  it('takes them apart again', () => {
    expect(splitUri('fs+file:///a+b')).toEqual({ server: 'fs', uri: 'file:///a+b' });
    expect(splitUri('ui://my-app+weather/view.html')).toEqual({ server: 'my-app', uri: 'ui://weather/view.html' });
  });

  it.each([
    'file:///a',
    'file:///a+b',
    '+file:///a',
    'Fs+file:///a',
    '1fs+x:y',
    'fs-+x:y',
    'fs_1+x:y',
    'a-server-name-that-is-too-long-1+x:y',
    'ui://host/x+y',
    'ui://+x',
    'fs+',
    '',
    '+',
  ])('sees a bare URI in %j', (uri) => {
    expect(splitUri(uri)).toBeUndefined();
  });

  it('takes names of the longest length', () => {
    const server = 'a'.repeat(30);
    expect(splitUri(`${server}+x:y`)).toEqual({ server, uri: 'x:y' });
    expect(splitUri(`${server}a+x:y`)).toBeUndefined();
  });

  it('round-trips', () => {
    const server = fc.stringMatching(/^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$/);
    const uri = fc.oneof(
      fc.webUrl(),
      fc.string({ minLength: 1 }),
      fc.string().map((rest) => `ui://${rest}`),
      fc.tuple(server, fc.string()).map(([name, rest]) => `${name}+${rest}`),
    );
    fc.assert(
      fc.property(server, uri, (name, original) => {
        expect(splitUri(exposeUri(name, original))).toEqual({ server: name, uri: original });
      }),
    );
  });

  it('knows http URIs and schemes', () => {
    expect(['http://a', 'HTTPS://a', 'https://'].map(isHttpUri)).toEqual([true, true, true]);
    expect(['http:/a', 'httpx://a', 'file:///http://', 'fs+https://a', ''].map(isHttpUri)).not.toContain(true);
    expect(['file:///a', 'urn:x', 'a+b-c.1:x', 'memo:'].map(hasScheme)).not.toContain(false);
    expect(['a', '', ':x', '1a:x', '../x', 'a b:c', '/a:b', 'é:x'].map(hasScheme)).not.toContain(true);
  });
});

describe('matchesTemplate', () => {
  it.each([
    ['file:///{path}', 'file:///a.txt', true],
    ['file:///{path}', 'file:///', false],
    ['file:///{path}', 'file:///a/b.txt', false],
    ['file:///{+path}', 'file:///a/b.txt', true],
    ['file:///{path*}', 'file:///a,b', true],
    ['db://{db}/{table}', 'db://a/b', true],
    ['db://{db}/{table}', 'db://a/b/c', false],
    ['db://{db}/{table}/end', 'db://a/b/end', true],
    ['{scheme}://x', 'abc://x', true],
    ['a{x}a{y}a', 'aaaaa', true],
    ['a{x}a{y}a', 'aaaa', false],
    ['test://static/{id}/data', 'test://static/1/data', true],
    ['test://static/{id}/data', 'test://static/1/data/', false],
    ['x:{/a}', 'x:', true],
    ['x:{/a}', 'x:/1', true],
    ['x:{/a}', 'x:/1/2', false],
    ['x:{/a,b}', 'x:/1/2', true],
    ['x:{/a,b}', 'x:/1/2/3', false],
    ['x:{/a*}', 'x:/1/2/3', true],
    ['x:{/a*}/end', 'x:/1/2/end', true],
    ['x:{/a}', 'x:1', false],
    ['x:f{.ext}', 'x:f.tar.gz', true],
    ['x:f{.ext}', 'x:f', true],
    ['x:f{.ext}', 'x:ftar', false],
    ['x:f{;p}', 'x:f;p=1', true],
    ['x:f{?a,b}', 'x:f', true],
    ['x:f{?a,b}', 'x:f?a=1&b=2', true],
    ['x:f{?a,b}', 'x:fa=1', false],
    ['x:f?z=1{&a}', 'x:f?z=1&a=/x', true],
    ['x:f{#frag}', 'x:f#a/b?c', true],
    ['x:f{?a}{#frag}', 'x:f?a=1#b', true],
    ['x:literal', 'x:literal', true],
    ['x:literal', 'x:litera', false],
    ['x:{a:3}', 'x:abc', true],
    ['x:{a', 'x:{a', false],
    ['x:a}', 'x:a}', false],
    ['x:{}', 'x:a', false],
    ['x:{!a}', 'x:a', false],
    ['', '', true],
  ])('%s against %s: %s', (template, uri, expected) => {
    expect(matchesTemplate(template, uri)).toBe(expected);
  });

  it('is bounded whatever template and URI are', () => {
    const uri = `x:${'/a'.repeat(4000)}`;
    expect(matchesTemplate(`x:${'{/a*}/a'.repeat(64)}b`, uri)).toBe(false);
    expect(matchesTemplate(`x:${'{+a}a'.repeat(64)}b`, uri)).toBe(false);
    expect(matchesTemplate(`x:${'{+a}'.repeat(65)}`, uri)).toBe(false);
    expect(matchesTemplate('x:{+a}', `x:${'a'.repeat(9000)}`)).toBe(false);
    expect(matchesTemplate(`x:${'a'.repeat(9000)}`, 'x:a')).toBe(false);
  });

  it('accepts the expansion of simple templates', () => {
    const value = fc.stringMatching(/^[A-Za-z0-9%._~-]{1,8}$/);
    const parts = fc.array(fc.tuple(fc.stringMatching(/^[a-z:/]{0,4}$/), value), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(parts, (pieces) => {
        const template = pieces.map(([literal], i) => `${literal}{v${i}}`).join('');
        const uri = pieces.map(([literal, expansion]) => literal + expansion).join('');
        expect(matchesTemplate(template, uri)).toBe(true);
        expect(matchesTemplate(`${template}!`, uri)).toBe(false);
      }),
    );
  });
});
