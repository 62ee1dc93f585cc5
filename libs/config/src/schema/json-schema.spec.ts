import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configFrom } from '../load/load-config.js';
import { configKeys } from './config-keys.js';
import { gatewayJsonSchema } from './json-schema.js';
import { fillKeyTables } from './key-tables.js';

const ROOT = join(import.meta.dirname, '../../../..');
const validate = new Ajv2020({ strict: true, strictTypes: false, allErrors: true, validateFormats: false }).compile(
  gatewayJsonSchema(),
);
const accepts = (yaml: string) => validate(parse(yaml) ?? {});

describe('the JSON Schema', () => {
  // Rewrite with: npx vitest run libs/config -u
  it('is the checked-in one', async () => {
    await expect(`${JSON.stringify(gatewayJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
      join(ROOT, 'config/gateway.schema.json'),
    );
  });

  it.each(['published-1', 'published-2', 'laptop', 'team'])('accepts the example %s', (name) => {
    expect(
      accepts(readFileSync(join(ROOT, `config/examples/${name}.yaml`), 'utf8')),
      JSON.stringify(validate.errors),
    ).toBe(true);
  });

  it.each([
    '',
    'server: { port: "${PORT:-1}" }\nproxy: { grace: 0, servers: null }\nauth:\n  permissions: { "a:*": { public: true } }',
    'proxy: { servers: [{ name: a, type: pigeon, connection: { loft: 1 }, auth: { type: seed, x: 1 } }] }',
    'oauth: { provider: acme, acme: { x: 1 } }',
  ])('accepts %s', (text) => {
    expect(accepts(text), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([
    'serer: {}',
    'server: { prot: 1 }',
    'server: { port: http }',
    'proxy: { grace: 30 }',
    'proxy: { servers: [{ name: A, type: sse }] }',
    'proxy: { servers: [{ type: sse }] }',
    'proxy: { servers: [{ name: a, type: sse, connection: { ulr: x } }] }',
    'proxy: { servers: [{ name: a, type: sse, auth: { type: bearer, tokn: x } }] }',
    'proxy: { servers: [{ name: a, type: sse, auth: { type: bearer } }] }',
    'oauth: { enabeld: true }',
    'log: { level: loud }',
  ])('refuses %s', (text) => {
    expect(accepts(text)).toBe(false);
  });

  it('shows defaults the loader reads back as the same', () => {
    for (const { key, standard, variant } of configKeys()) {
      if (
        standard === undefined ||
        variant ||
        key.includes('[]') ||
        key.includes('*') ||
        key.startsWith('oauth.introspection')
      )
        continue;
      const settings = key.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), standard);
      expect(configFrom(settings).config, key).toEqual(configFrom({}).config);
    }
  });
});

describe('docs/configuration.md', () => {
  const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');

  it('is what the schema classes say: npm run docs:config', () => {
    expect(fillKeyTables(page, configKeys())).toBe(page);
  });

  it('would say so of a key that no table takes', () => {
    expect(() => fillKeyTables(page.replace('<!-- keys: api_keys -->', ''), configKeys())).toThrow('api_keys[].name');
  });

  it('has a row for every key', () => {
    const rows = [...page.matchAll(/^\| (?:`[^`]+` \| )?`([^`]+)` \|/gm)].map(([, key]) => key);
    const wanted = configKeys().map(({ key, variant }) => (variant ? key.slice(variant.of.length + 1) : key));
    expect(rows).toEqual(expect.arrayContaining(wanted));
  });
});
