import { type Field, fieldsOf, type JsonSchema, type LeafField, type SectionClass } from '../fields/field.js';
import { GatewayConfig } from '../sections/gateway.config.js';

/** One key of the configuration file, as its reference shows it. */
export interface ConfigKey {
  /** `server.limits.body`; `[]` stands for an entry of a list, `*` for a name of the operator's. */
  readonly key: string;
  /** Where a `type` decides which keys there are: whose, and of which type this one is. */
  readonly variant?: { readonly of: string; readonly type: string };
  /** What may stand there, in a few words. */
  readonly takes: string;
  readonly required: boolean;
  /** As one would write it in the file; undefined where there is none. */
  readonly standard: unknown;
  readonly doc: string;
}

/** Every key of the configuration, in the order of the schema classes. */
export function configKeys(section: SectionClass = GatewayConfig, path = ''): readonly ConfigKey[] {
  const defaults = new section() as Record<string, unknown>;
  return [...fieldsOf(section)].flatMap(([name, field]) =>
    keysOf(field, path === '' ? name : `${path}.${name}`, defaults[name]),
  );
}

function keysOf(field: Field, key: string, standard: unknown): readonly ConfigKey[] {
  const { doc, required } = field;
  switch (field.kind) {
    case 'leaf':
      return [{ key, takes: takes(field), required, standard: field.show(standard), doc }];
    case 'section':
      return configKeys(field.of(), key);
    case 'list':
      return configKeys(field.of(), `${key}[]`);
    case 'map':
      return configKeys(field.of(), `${key}.*`);
    case 'variant':
      return [
        { key, takes: 'mapping', required, standard, doc },
        ...Object.entries(field.variants()).flatMap(([type, variant]) =>
          configKeys(variant, key)
            .filter((entry) => entry.key !== `${key}.type`)
            .map((entry) => ({ ...entry, variant: { of: key, type } })),
        ),
      ];
  }
}

function takes({ schema, secret }: LeafField): string {
  const kinds = (schema['anyOf'] as JsonSchema[] | undefined) ?? [schema];
  return secret && kinds[0]?.['type'] !== 'array' ? 'secret' : kindOf(kinds[0] ?? {});
}

function kindOf(schema: JsonSchema): string {
  const { type, pattern } = schema as { type?: string; pattern?: string };
  if (Array.isArray(schema['enum'])) return (schema['enum'] as string[]).map((choice) => `\`${choice}\``).join(', ');
  if (Array.isArray(schema['anyOf'])) return kindOf(schema['anyOf'][0] as JsonSchema);
  if (pattern?.includes('(ms|s|m|h)')) return 'duration';
  if (pattern?.includes('KiB')) return 'size';
  if (type === 'integer' || type === 'number') return `${schema['minimum']} to ${schema['maximum']}`;
  if (type === 'boolean') return '`true`, `false`';
  if (type === 'array') return 'list';
  return type === 'object' ? 'mapping' : 'text';
}
