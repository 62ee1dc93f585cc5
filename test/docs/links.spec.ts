import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/processes.js';
import { type Link, PAGES } from './pages.js';

const outside = ({ target }: Link) => /^[a-z]+:/.test(target);

/** What is wrong with a link; undefined where nothing is. */
function flaw(link: Link): string | undefined {
  const [file = '', anchor] = link.target.split('#');
  const path = file === '' ? link.page : normalize(join(dirname(link.page), file));
  if (path.startsWith('..') || !existsSync(join(ROOT, path))) return `there is no ${path}`;
  if (anchor === undefined) return undefined;
  const page = PAGES.find((candidate) => candidate.path === path);
  if (!page) return `${path} is no page, so it has no #${anchor}`;
  return page.anchors.has(anchor) ? undefined : `${path} has no heading #${anchor}`;
}

describe.each(PAGES.map((page) => [page.path, page] as const))('%s', (_path, page) => {
  it('links to what is there', () => {
    const broken = page.links.filter((link) => !outside(link)).map((link) => ({ ...link, flaw: flaw(link) }));
    expect(broken.filter((link) => link.flaw).map(({ line, target, flaw }) => `${line}: ${target}: ${flaw}`)).toEqual(
      [],
    );
  });
});

describe('docs/README.md', () => {
  it('lists every page', () => {
    const index = PAGES.find(({ path }) => path === 'docs/README.md');
    const listed = new Set(index?.links.map(({ target }) => `docs/${target.split('#')[0]}`));
    const pages = PAGES.map(({ path }) => path).filter((path) => path.startsWith('docs/') && path !== index?.path);
    expect(pages.filter((path) => !listed.has(path))).toEqual([]);
  });
});

describe('the check of links', () => {
  it('finds a file and a heading that are not there', () => {
    const link = (target: string) => flaw({ page: 'docs/cli.md', line: 1, target });
    expect(link('nothing.md')).toBe('there is no docs/nothing.md');
    expect(link('errors.md#nothing')).toBe('docs/errors.md has no heading #nothing');
    expect(link('../../outside.md')).toContain('there is no ../outside.md');
    expect(link('errors.md#rate_limited')).toBeUndefined();
  });
});
