import { describe, expect, it } from 'vitest';
import { compileGlob, compileSelection } from './glob.js';

describe('compileGlob', () => {
  it.each([
    ['*', '', true],
    ['*', 'anything', true],
    ['echo', 'echo', true],
    ['echo', 'echo2', false],
    ['n8n:*', 'n8n:a:b', true],
    ['n8n:*', 'n8n2:a', false],
    ['*_admin', 'user_admin', true],
    ['get_*_by_*', 'get_user_by_id', true],
    ['get_*_by_*', 'get_user', false],
    ['a*a', 'a', false],
    ['a*b*b', 'ab', false],
    ['a**b', 'axb', true],
    ['a.c', 'abc', false],
  ])('%s on %s: %s', (pattern, text, expected) => {
    expect(compileGlob(pattern)(text)).toBe(expected);
  });
});

describe('compileSelection', () => {
  it('lets an exclusion win over an inclusion', () => {
    const selects = compileSelection(['a*', 'b'], ['ab*']);
    expect(['a', 'abc', 'b', 'c'].filter(selects)).toEqual(['a', 'b']);
  });

  it('selects nothing without inclusions', () => {
    expect(compileSelection([], [])('a')).toBe(false);
  });
});
