import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '#libs/kernel';
import { PACKAGE_ROOT } from './version.js';

const page = readFileSync(join(PACKAGE_ROOT, 'docs', 'errors.md'), 'utf8');
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')).trim(), section]),
);

describe('docs/errors.md', () => {
  it('has a section for every code and no other', () => {
    expect([...sections.keys()].sort()).toEqual(Object.keys(ERRORS).sort());
  });

  it.each(Object.entries(ERRORS))('says of %s what the catalogue says', (code, entry) => {
    const section = sections.get(code) ?? '';
    expect(section).toContain(`metric reason \`${entry.reason}\`; logged at ${entry.level}.`);
    if (!section.includes('never on the wire')) expect(section).toContain(`HTTP ${entry.http}, JSON-RPC ${entry.rpc};`);
  });
});
