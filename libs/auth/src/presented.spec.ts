import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Credentials } from '#libs/plugin';
import { presented } from './presented.js';

function request(lines: readonly (readonly [string, string])[], url = '/mcp'): Credentials {
  const headers: Record<string, string> = {};
  for (const [name, value] of lines) headers[name.toLowerCase()] ??= value;
  return { headers, rawHeaders: lines.flat(), url, remoteAddress: '127.0.0.1' };
}
const judged = (credentials: Credentials) => presented(credentials, 100);

describe('presented', () => {
  it.each(['Bearer a.b.c', 'bearer a.b.c', 'BEARER  a.b.c'])('finds the token of "%s", with its digest', (header) => {
    const digest = createHash('sha256').update('a.b.c').digest('base64url');
    expect(judged(request([['Authorization', header]]))).toEqual({
      kind: 'bearer',
      bearer: { token: 'a.b.c', digest },
      isKnown: false,
    });
  });

  it.each([
    [[]],
    [[['Authorization', 'Basic YTpi'] as const]],
    [[['Authorization', 'DPoP a.b.c'] as const]],
    [[['Content-Type', 'application/json'] as const]],
  ])('finds nothing of its kind in %j', (lines) => {
    expect(judged(request(lines)).kind).toBe('none');
  });

  it.each([
    ['', 'empty'],
    ['Bearer', 'no token'],
    ['Bearer ', 'no token'],
    ['Bearer a b', 'two words'],
    ['Bearer a, Bearer b', 'a list'],
    ['Bearer a\u00e9', 'not ASCII'],
    ['a.b.c', 'no scheme'],
  ])('takes "%s" for malformed: %s', (header) => {
    expect(judged(request([['Authorization', header]])).kind).toBe('malformed');
  });

  it('takes two Authorization headers for malformed, in whatever case and place', () => {
    const twice = request([
      ['authorization', 'Bearer good'],
      ['x', 'y'],
      ['AUTHORIZATION', 'Bearer good'],
    ]);
    expect(judged(twice)).toMatchObject({ kind: 'malformed', reason: expect.stringContaining('two') });
  });

  it('T025: takes a token in the URL or in a form for malformed, and repeats it nowhere', () => {
    const targets = ['/mcp?access_token=hidden', '/mcp?a=1&access_token=hidden', '/mcp?access%5ftoken=hidden'];
    for (const url of targets) {
      for (const lines of [[], [['Authorization', 'Bearer good'] as const]]) {
        const found = judged(request(lines, url));
        expect(found.kind).toBe('malformed');
        expect(JSON.stringify(found)).not.toContain('hidden');
      }
    }
    expect(judged(request([['Content-Type', 'application/x-www-form-urlencoded']])).kind).toBe('malformed');
    expect(judged(request([['Authorization', 'Bearer good']], '/mcp?access=1')).kind).toBe('bearer');
  });

  it('T022: denies what is longer than a token may be, unread', () => {
    const long = (length: number) => judged(request([['Authorization', `Bearer ${'a'.repeat(length)}`]])).kind;
    expect([long(100), long(101), long(64 * 1024), long(1024 * 1024)]).toEqual([
      'bearer',
      'denied',
      'denied',
      'denied',
    ]);
  });
});
