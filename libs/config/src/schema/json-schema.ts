import { extraKeysOf, type Field, fieldsOf, type JsonSchema, type SectionClass } from '../fields/field.js';
import { GatewayConfig } from '../sections/gateway.config.js';
import { BUILT_IN_TRANSPORTS, ConnectionConfig, UpstreamConfig } from '../sections/upstream.config.js';

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** The schema of the configuration file, made from the same field declarations that load it. For editors and CI. */
export function gatewayJsonSchema(): JsonSchema {
  const definitions = new Map<SectionClass, JsonSchema>();
  const { $ref } = reference(GatewayConfig, definitions);
  closeConnection(definitions);
  const $defs = Object.fromEntries([...definitions].map(([section, schema]) => [nameOf(section), schema]));
  return { $schema: DIALECT, title: 'MCP Gateway configuration', $ref, $defs };
}

function nameOf(section: SectionClass): string {
  return section.name.replace(/Config$/, '');
}

function reference(section: SectionClass, definitions: Map<SectionClass, JsonSchema>): { $ref: string } {
  if (!definitions.has(section)) {
    definitions.set(section, {}); // marks it before its fields are visited
    definitions.set(section, describe(section, definitions));
  }
  return { $ref: `#/$defs/${nameOf(section)}` };
}

function describe(section: SectionClass, definitions: Map<SectionClass, JsonSchema>): JsonSchema {
  const defaults = new section() as Record<string, unknown>;
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const [key, field] of fieldsOf(section)) {
    properties[key] = { description: field.doc, ...property(field, defaults[key], definitions) };
    if (field.required) required.push(key);
  }
  const additionalProperties = extraKeysOf(section)?.schema ?? false;
  return { type: 'object', properties, ...(required.length > 0 && { required }), additionalProperties };
}

function property(field: Field, standard: unknown, definitions: Map<SectionClass, JsonSchema>): JsonSchema {
  switch (field.kind) {
    case 'leaf': {
      // Secrets have no default worth showing, and `undefined` is none.
      const shown = field.show(standard);
      return shown === undefined || field.required
        ? field.schema
        : { ...orNull(field.schema, field.emptyIsDefault), default: shown };
    }
    case 'section':
      return orNull(reference(field.of(), definitions), true);
    case 'list':
      return { type: ['array', 'null'], items: reference(field.of(), definitions), default: [] };
    case 'map': {
      const entry = reference(field.of(), definitions);
      const additionalProperties = field.shorthand ? { anyOf: [field.shorthand, entry] } : orNull(entry, true);
      return { type: ['object', 'null'], additionalProperties, default: {} };
    }
    case 'variant':
      return variant(field.variants(), definitions);
  }
}

/** Empty YAML is null, and for mappings and lists null means the default. */
function orNull(schema: JsonSchema, nullable: boolean): JsonSchema {
  return nullable ? { anyOf: [schema, { type: 'null' }] } : schema;
}

/** One branch per `type`, and one for every type that is none of these. */
function variant(
  variants: Readonly<Record<string, SectionClass>>,
  definitions: Map<SectionClass, JsonSchema>,
): JsonSchema {
  const types = Object.keys(variants);
  const branches = types.map((type) => ({
    if: { properties: { type: { const: type } }, required: ['type'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: reference(variants[type] as SectionClass, definitions),
  }));
  return {
    type: ['object', 'null'],
    properties: { type: { type: 'string', examples: types } },
    required: ['type'],
    allOf: branches,
  };
}

/** A plug-in's transport defines further keys of `connection`; a built-in one does not. */
function closeConnection(definitions: Map<SectionClass, JsonSchema>): void {
  const upstream = definitions.get(UpstreamConfig);
  if (!upstream) return;
  upstream['if'] = { properties: { type: { enum: [...BUILT_IN_TRANSPORTS] } } };
  upstream['then'] = {
    properties: { connection: { propertyNames: { enum: [...fieldsOf(ConnectionConfig).keys()] } } },
  };
}
