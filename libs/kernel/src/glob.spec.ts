import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob, compileSelection, matchesGlob } from './glob.js';

describe('a pattern', () => {
  it.each([
    ['*', '', true],
    ['*', 'anything', true],
    ['echo', 'echo', true],
    ['echo', 'echo2', false],
    ['echo', 'Echo', false],
    ['n8n:*', 'n8n:a:b/c', true],
    ['n8n:*', 'n8n2:a', false],
    ['*_admin', 'user_admin', true],
    ['get_*_by_*', 'get_user_by_id', true],
    ['get_*_by_*', 'get_user', false],
    ['a*a', 'a', false],
    ['a*b*b', 'ab', false],
    ['a**b', 'axb', true],
    ['a.c', 'abc', false],
    ['a b', 'a b', true],
    ['Exécute', 'Exe\u0301cute', false],
  ])('%s on %s: %s', (pattern, text, expected) => {
    expect(matchesGlob(pattern, text)).toBe(expected);
    expect(compileGlob(pattern)(text)).toBe(expected);
  });

  it('T092: fits exactly what a textbook definition says', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '*', ':', '/', 'é', '😀')).map((parts) => parts.join(''));
    const text = letters.map((one) => one.replaceAll('*', 'a'));
    fc.assert(
      fc.property(letters, text, (pattern, candidate) => {
        const expected = reference(pattern, candidate);
        expect(matchesGlob(pattern, candidate)).toBe(expected);
        expect(compileGlob(pattern)(candidate)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('that fits another pattern fits all that the other fits', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '*')).map((parts) => parts.join(''));
    fc.assert(
      fc.property(letters, letters, fc.array(fc.constantFrom('a', 'b', 'ab', '')), (outer, inner, fillings) => {
        fc.pre(matchesGlob(outer, inner));
        let next = 0;
        const member = inner.replaceAll('*', () => fillings[next++] ?? '');
        expect(matchesGlob(outer, member)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes its time from the length of the text alone', () => {
    const started = performance.now();
    expect(matchesGlob(`${'*a'.repeat(8)}b`, 'a'.repeat(50_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

/** What a star means, said in the plainest way: it takes nothing, or one character and goes on. */
function reference(pattern: string, text: string): boolean {
  const fits: boolean[][] = [];
  for (let p = pattern.length; p >= 0; p--) {
    fits[p] = [];
    for (let t = text.length; t >= 0; t--) {
      if (p === pattern.length) fits[p]![t] = t === text.length;
      else if (pattern[p] === '*') fits[p]![t] = fits[p + 1]![t]! || (t < text.length && fits[p]![t + 1]!);
      else fits[p]![t] = t < text.length && pattern[p] === text[t] && fits[p + 1]![t + 1]!;
    }
  }
  return fits[0]![0]!;
}

describe('compileSelection', () => {
  it('lets an exclusion win over an inclusion', () => {
    const selects = compileSelection(['a*', 'b'], ['ab*']);
    expect(['a', 'abc', 'b', 'c'].filter(selects)).toEqual(['a', 'b']);
  });

  it('selects nothing without inclusions', () => {
    expect(compileSelection([], [])('a')).toBe(false);
  });
});
