import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../support/processes.js';
import { FILES, RULES } from './requirements.js';
import { hasTest } from './sources.js';

const THREATS = [
  ...['001-008', '010-018', '020-023 025-026 028-033', '040-044 046-049 051 053', '060-061 063 065-067 070 072-075'],
  ...['080-082 085-087 089 091-092', '101-105 107-108 110-112', '120-129 132-133 135-136'],
  ...['140-141 143-146 148-149', '150 152-154'],
].join(' ');

/**
 * The numbers of each group. D tells eras apart, I is the order of checks at the entry. T with three digits are threats; RS, UP
 * and AZ say what the gateway owes as a protected resource, to upstreams, and in its decisions.
 */
const GROUPS: Readonly<Record<string, string>> = {
  ...{ B: '1-8', M: '1-18', L: '1-16', H: '1-6', X: '1-7', C: '1-14 20-25', D: '1-7', K: '1-10', U: '1-7', P: '1-3' },
  ...{ G: '1-2', A: '1-6', O: '1-3', N: '1-9', R: '1-8', T: `1-9 ${THREATS}`, V: '1-6', Q: '1-6', E: '1-6' },
  ...{ I: '1-19', S: '1 3-6 10' },
  BR: '1-12 20-25 30-35 40-48 50-57 70-73',
  'RS-': '01-17 20-28 30-34 40-43 50-53 60-62',
  'UP-': '01-05 10-20 30-35 40-41 50-54 60 70-74 80-82 90-95',
  'AZ-': '01-10 20-27',
};

const ids = Object.entries(GROUPS).flatMap(([group, ranges]) =>
  ranges.split(' ').flatMap((range) => {
    const [first = '', last = first] = range.split('-');
    const from = Number(first);
    const length = Number(last) - from + 1;
    return Array.from({ length }, (_, n) => group + String(from + n).padStart(first.length, '0'));
  }),
);

const scenarios = ['2025-11-25', '2026-07-28'].flatMap((revision) => {
  const file = `node_modules/@modelcontextprotocol/conformance/requirements/${revision}.yaml`;
  const set = parse(readFileSync(join(ROOT, file), 'utf8')) as {
    server: string[];
    client: string[];
    not_scored: { scenario: string }[];
  };
  return [...set.server, ...set.client, ...set.not_scored.map(({ scenario }) => scenario)];
});

describe('the manifest', () => {
  it('has every rule once', () => {
    expect(RULES.map(({ id }) => id).sort()).toEqual([...ids].sort());
  });

  it('names no file it does not use', () => {
    const used = RULES.flatMap(({ tests = [] }) => tests.map((test) => test.split(' > ')[0]));
    expect(Object.keys(FILES).filter((name) => !used.includes(name))).toEqual([]);
  });
});

describe.each(RULES.map((rule) => [rule.id, rule] as const))('%s', (_id, rule) => {
  it('is proven, or says why not', () => {
    expect(rule.rule).toMatch(/\.$/);
    expect(rule.spec).toMatch(/^(M|L|security|\d{4}-\d{2}-\d{2}):\w+$|^(SEP|RFC)[- ]\d+$/);
    const proofs = [...(rule.tests ?? []), ...(rule.suite ?? [])];
    if (rule.none === undefined) expect(proofs).not.toEqual([]);
    else expect(proofs).toEqual([]);
  });

  it('names tests and scenarios that exist', () => {
    for (const test of rule.tests ?? []) {
      const [name = '', ...title] = test.split(' > ');
      const path = FILES[name];
      expect(path, `${name} in files.yaml`).toBeDefined();
      expect(hasTest(path ?? '', title.join(' > ')), `${path}: ${title.join(' > ')}`).toBe(true);
    }
    for (const scenario of rule.suite ?? []) expect(scenarios).toContain(scenario);
  });
});
