import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../support/processes.js';
import { hasTest, source } from './sources.js';

interface Limit {
  readonly tests: readonly string[];
  readonly metric?: string;
}

const FILES: Readonly<Record<string, string>> = {
  address: 'libs/ratelimit/src/address/address-gate.spec.ts',
  'audit-line': 'libs/audit/src/audit-line.spec.ts',
  backpressure: 'test/e2e/backpressure.spec.ts',
  denial: 'test/security/denial.spec.ts',
  'door-limits': 'libs/downstream/src/limits.spec.ts',
  drain: 'libs/downstream/src/drain.spec.ts',
  'held-back': 'libs/upstream/src/supervisor/held-back.spec.ts',
  http: 'libs/upstream/src/transports/http/streamable-http.spec.ts',
  limits: 'test/e2e/limits.spec.ts',
  logging: 'libs/logging/src/logging.spec.ts',
  metrics: 'libs/metrics/src/metrics.spec.ts',
  names: 'libs/catalogue/src/names.spec.ts',
  offers: 'libs/catalogue/src/item-limits.spec.ts',
  pages: 'libs/catalogue/src/views/pages.spec.ts',
  parking: 'libs/downstream/src/modern/parking.spec.ts',
  processes: 'libs/upstream/src/registry/processes.spec.ts',
  questions: 'libs/downstream/src/questions.spec.ts',
  'session-store': 'libs/downstream/src/session/session-store.spec.ts',
  stdio: 'libs/upstream/src/transports/stdio/stdio.spec.ts',
  strained: 'libs/downstream/src/strained.spec.ts',
  'stream-limits': 'libs/upstream/src/transports/http/stream-limits.spec.ts',
  supervisor: 'libs/upstream/src/supervisor/supervisor.spec.ts',
  time: 'libs/upstream/src/upstream/time.spec.ts',
  tokens: 'test/security/tokens.spec.ts',
};

const page = source('docs/limits.md');
const LIMITS = parse(readFileSync(join(ROOT, 'test/requirements/limits.yaml'), 'utf8'), {
  uniqueKeys: true,
}) as Readonly<Record<string, Limit>>;

/** Rows of the page's tables: the keys, and what the last column says. A short key stands below the one before it. */
const rows = page
  .slice(page.indexOf('## Every limit'))
  .split('\n')
  .filter((line) => /^\| [^|]+ \| `/.test(line))
  .map((line) => {
    const [, , keys = '', , beyond = ''] = line.split('|');
    let parent = '';
    const full = [...keys.matchAll(/`([^`]+)`/g)].map(([, key = '']) => {
      const name = key.startsWith('.') || !/[.[]/.test(key) ? parent + key.replace(/^\./, '') : key;
      parent = name.slice(0, name.lastIndexOf('.') + 1);
      return name;
    });
    return { keys: full, beyond };
  });

describe('docs/limits.md', () => {
  it('lists every limit that has tests here, once, and no other', () => {
    expect(rows.flatMap(({ keys }) => keys).sort()).toEqual(Object.keys(LIMITS).sort());
  });

  it('says which of them are not counted', () => {
    const uncounted = rows.filter(({ beyond }) => beyond.includes('not counted')).flatMap(({ keys }) => keys);
    const here = Object.keys(LIMITS).filter((key) => LIMITS[key]?.metric?.startsWith('none'));
    expect(uncounted.sort()).toEqual(here.sort());
  });

  it.each(rows.flatMap(({ keys }) => keys))('%s is a key of the configuration, with its default', (key) => {
    expect(source('docs/configuration.md')).toContain(`| \`${key}\` |`);
  });
});

describe.each(Object.entries(LIMITS))('%s', (key, limit) => {
  it.each(limit.tests)('has the test %s', (test) => {
    const [name = '', ...title] = test.split(' > ');
    const path = FILES[name];
    expect(path, `${name} among the files`).toBeDefined();
    expect(hasTest(path ?? '', title.join(' > ')), `${path}: ${title.join(' > ')}`).toBe(true);
  });

  it('is named by one of its tests where they stand for several', () => {
    const several = limit.tests.filter((test) => test.includes('%s'));
    const short = key.slice(key.lastIndexOf('.') + 1);
    const files = several.map((test) => source(FILES[test.split(' > ')[0] ?? ''] ?? ''));
    expect(several.length === 0 || files.some((text) => new RegExp(`\\b${short}\\b`).test(text))).toBe(true);
  });
});
