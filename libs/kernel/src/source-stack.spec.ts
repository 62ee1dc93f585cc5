import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sourceStack } from './source-stack.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'built (here) '));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The built file's third line comes from lines 5 (from its start) and 9 (from column 13) of the source. */
function built(name: string): string {
  const mappings = ';;AAIA,YAIE';
  writeFileSync(
    join(folder, `${name}.map`),
    JSON.stringify({ version: 3, sources: ['../../libs/kernel/src/x.ts'], names: [], mappings }),
  );
  return pathToFileURL(join(folder, name)).href;
}

describe('sourceStack', () => {
  it('names the place in the source, whatever the folder is called', () => {
    const url = built('a.js');
    expect(sourceStack(`Error: no\n    at f (${url}:3:2)\n    at ${url}:3:20`, folder)).toBe(
      'Error: no\n    at f (libs/kernel/src/x.ts:5:1)\n    at libs/kernel/src/x.ts:9:3',
    );
  });

  it('leaves alone lines that no source of ours became', () => {
    const url = built('b.js');
    const stack = `Error\n    at before (${url}:1:1)\n    at behind (${url}:4:1)`;
    expect(sourceStack(stack, folder)).toBe(stack);
  });

  it('leaves alone files of others, with a map or without, and files whose map is missing or broken', () => {
    const elsewhere = built('c.js');
    writeFileSync(join(folder, 'broken.js.map'), '{');
    for (const url of [`${pathToFileURL(folder).href}/missing.js`, `${pathToFileURL(folder).href}/broken.js`])
      expect(sourceStack(`at ${url}:3:2`, folder)).toBe(`at ${url}:3:2`);
    expect(sourceStack(`at ${elsewhere}:3:2`, join(folder, 'inner'))).toBe(`at ${elsewhere}:3:2`);
    expect(sourceStack('at node:internal/x:1:2, at eval (<anonymous>:1:1)')).toBe(
      'at node:internal/x:1:2, at eval (<anonymous>:1:1)',
    );
  });

  it('remembers places, for a map is not read twice for one', () => {
    const url = built('d.js');
    expect(sourceStack(`at ${url}:3:2`, folder)).toBe('at libs/kernel/src/x.ts:5:1');
    rmSync(join(folder, 'd.js.map'));
    expect(sourceStack(`at ${url}:3:2`, folder)).toBe('at libs/kernel/src/x.ts:5:1');
  });
});
