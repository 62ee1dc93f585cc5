import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fieldsOf, type SectionClass } from '../fields/field.js';
import { configFrom } from '../load/load-config.js';
import { GatewayConfig } from '../sections/gateway.config.js';
import { gatewayJsonSchema } from './json-schema.js';

const ROOT = join(import.meta.dirname, '../../../..');
const validate = new Ajv2020({ strict: true, strictTypes: false, allErrors: true, validateFormats: false }).compile(
  gatewayJsonSchema(),
);
const accepts = (yaml: string) => validate(parse(yaml) ?? {});

/** `server.limits.body` … with each field's declaration and default. */
function everyKey(section: SectionClass, path = ''): { key: string; shown: unknown; doc: string }[] {
  const defaults = new section() as Record<string, unknown>;
  return [...fieldsOf(section)].flatMap(([name, field]) => {
    const key = path ? `${path}.${name}` : name;
    if (field.kind === 'leaf') return [{ key, shown: field.show(defaults[name]), doc: field.doc }];
    if (field.kind === 'variant') return [{ key, shown: undefined, doc: field.doc }];
    return everyKey(field.of(), field.kind === 'section' ? key : field.kind === 'list' ? `${key}[]` : `${key}.*`);
  });
}

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
    for (const { key, shown } of everyKey(GatewayConfig)) {
      if (shown === undefined || key.includes('[]') || key.includes('*') || key.startsWith('oauth.introspection'))
        continue;
      const settings = key.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), shown);
      expect(configFrom(settings).config, key).toEqual(configFrom({}).config);
    }
  });
});

describe('docs/configuration.md', () => {
  it('has every key with its default', () => {
    const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
    const rows = new Map([...page.matchAll(/^\| `([^`]+)` \| ([^|]*?) \|/gm)].map((match) => [match[1], match[2]]));
    const missing = everyKey(GatewayConfig).filter(({ key, shown }) => {
      const told = rows.get(key);
      return (
        told === undefined ||
        (shown !== undefined && told !== `\`${typeof shown === 'string' ? shown : JSON.stringify(shown)}\``)
      );
    });
    expect(missing.map(({ key, shown }) => `${key} = ${JSON.stringify(shown)}`)).toEqual([]);
  });
});
