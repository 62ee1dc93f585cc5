import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../support/processes.js';

const run = (script: string, ...args: string[]): string =>
  execFileSync(process.execPath, [join(ROOT, 'scripts', script), ...args], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}` },
    maxBuffer: 64 * 1024 * 1024,
  });

const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

it('the bill of materials has every dependency at its version, and no development tool', () => {
  const bom = JSON.parse(run('sbom.mjs')) as {
    bomFormat: string;
    metadata: { component: { name: string; 'bom-ref': string } };
    components: { name: string; version: string; 'bom-ref': string; hashes?: unknown[] }[];
    dependencies: { ref: string; dependsOn: string[] }[];
  };
  expect([bom.bomFormat, bom.metadata.component.name]).toEqual(['CycloneDX', 'mcp-gateway']);
  const refs = new Set(bom.components.map((component) => component['bom-ref']));
  for (const [name, version] of Object.entries(dependencies)) expect(refs).toContain(`${name}@${version}`);
  const named = new Set(bom.components.map(({ name }) => name));
  for (const tool of ['vitest', 'typescript', '@biomejs/biome', 'oidc-provider', 'node']) {
    expect([tool, named.has(tool)]).toEqual([tool, false]);
  }
  const own = bom.dependencies.find(({ ref }) => ref === bom.metadata.component['bom-ref']);
  expect(own?.dependsOn).toHaveLength(Object.keys(dependencies).length);
  for (const { dependsOn } of bom.dependencies) expect(dependsOn.filter((ref) => !refs.has(ref))).toEqual([]);
});

it('every package that is installed with the gateway has a licence that it may be shipped under', () => {
  const listed = JSON.parse(run('licences.mjs', '--json')) as { name: string; licence: string }[];
  const byName = new Map(listed.map(({ name, licence }) => [name, licence]));
  for (const name of Object.keys(dependencies)) expect(byName.get(name)).toMatch(/^\(?(?:0BSD|Apache|BSD|ISC|MIT)/);
});
