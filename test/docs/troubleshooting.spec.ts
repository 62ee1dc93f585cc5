import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/processes.js';
import { pageAt } from './pages.js';

/** Questions that come without a message. */
const NO_MESSAGE: ReadonlySet<string> = new Set(['Tools have other names than in the configuration']);

const sources = ['libs', 'apps', 'bin']
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[tj]s$/.test(name) && !/\.spec\.ts$|\/testing\//.test(name))
      .map((name) => readFileSync(join(ROOT, folder, name), 'utf8')),
  )
  .join('\n')
  // sentences that go on in the next line, and what stands escaped in the source
  .replace(/['`"] \+\s+\(?['`"]/g, '')
  .replaceAll('\\`', '`');

/** The parts of a heading that are the same each time. */
const partsOf = (heading: string) => heading.split('…').map((part) => part.replace(/[\s.]+$/, '').trimStart());

const headings = [...pageAt('docs/troubleshooting.md').prose.matchAll(/^### (.+)$/gm)]
  .map(([, heading = '']) => heading)
  .filter((heading) => !NO_MESSAGE.has(heading));

describe('docs/troubleshooting.md', () => {
  it.each(headings)('has words the gateway says: %s', (heading) => {
    const parts = partsOf(heading);
    expect(Math.max(...parts.map((part) => part.length))).toBeGreaterThan(11);
    expect(parts.filter((part) => part.length > 3 && !sources.includes(part))).toEqual([]);
  });

  it('would be told of words that nobody says', () => {
    expect(headings.length).toBeGreaterThan(30);
    expect(sources.includes('the flux capacitor is not charged')).toBe(false);
  });
});
