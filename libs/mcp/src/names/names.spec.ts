import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exposedName } from './names.js';

const COLON = { separator: ':', maxLength: 128 };
const SHORT = { separator: '__', maxLength: 48 };

describe('exposedName', () => {
  it('joins prefix and name when the client can take them', () => {
    expect(exposedName('n8n', 'list_workflows', COLON)).toBe('n8n:list_workflows');
    expect(exposedName('n8n', 'a.b-C_9', SHORT)).toBe('n8n__a.b-C_9');
    expect(exposedName('a', 'x'.repeat(45), SHORT)).toBe(`a__${'x'.repeat(45)}`);
  });

  it('sanitizes and marks names with other characters', () => {
    expect(exposedName('git', 'repo:list all', COLON)).toMatch(/^git:repo_list_all_[a-z2-7]{6}$/);
    expect(exposedName('git', 'ünï😀', COLON)).toMatch(/^git:_n___[a-z2-7]{6}$/);
    expect(exposedName('git', 'a b', COLON)).not.toBe(exposedName('git', 'a_b', COLON));
    expect(exposedName('git', 'a b', COLON)).not.toBe(exposedName('git', 'a:b', COLON));
  });

  it('is the same everywhere and always', () => {
    expect(exposedName('git', 'a b', COLON)).toBe('git:a_b_zbuhuc');
  });

  it('tells long names with equal heads apart', () => {
    const [one, two] = ['1', '2'].map((end) => exposedName('srv', 'x'.repeat(200) + end, SHORT));
    expect(one).not.toBe(two);
    expect(one).toHaveLength(48);
    expect(one?.startsWith(`srv__${'x'.repeat(30)}`)).toBe(true);
  });

  it('leaves names of a single upstream alone unless they cannot stay', () => {
    expect(exposedName(null, 'any thing:ünï/ok', COLON)).toBe('any thing:ünï/ok');
    expect(exposedName(null, 'bad\u0000name', COLON)).toMatch(/^bad_name_[a-z2-7]{6}$/);
    expect(exposedName(null, 'bad\u202ename', COLON)).toMatch(/^bad_name_[a-z2-7]{6}$/);
    expect(exposedName(null, 'x'.repeat(129), COLON)).toHaveLength(128);
  });

  it('copes with limits that leave no room', () => {
    for (let maxLength = 0; maxLength < 30; maxLength++) {
      const a = exposedName('a-long-server-name', 'tool-a', { separator: '__', maxLength });
      const b = exposedName('a-long-server-name', 'tool-b', { separator: '__', maxLength });
      expect(a.length).toBeLessThanOrEqual(maxLength);
      if (maxLength >= 6) expect(a).not.toBe(b);
    }
  });

  it('stays within length and charset for every name', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('a', 'srv-1', 'a-name-of-thirty-characters-ok'),
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.constantFrom(':', '__', '.'),
        fc.integer({ min: 40, max: 128 }),
        (prefix, name, separator, maxLength) => {
          const exposed = exposedName(prefix, name, { separator, maxLength });
          expect(exposed.length).toBeLessThanOrEqual(maxLength);
          expect(exposed.startsWith(prefix + separator)).toBe(true);
          expect(exposed.slice(prefix.length + separator.length)).toMatch(/^[A-Za-z0-9_.-]*$/);
          expect(exposedName(prefix, name, { separator, maxLength })).toBe(exposed);
        },
      ),
    );
  });
});
