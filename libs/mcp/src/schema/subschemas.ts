import type { JsonView } from '../json/view.js';

/** Keywords whose value is a schema or an array of schemas (JSON Schema 2020-12, and what older drafts call so). */
const SCHEMAS = new Set([
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'contentSchema',
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
]);

/** Keywords whose value is an object of schemas by name. */
const NAMED_SCHEMAS = new Set([
  'properties',
  'patternProperties',
  'dependentSchemas',
  'dependencies',
  '$defs',
  'definitions',
]);

/**
 * Visits the schemas directly inside a schema. Only keywords count: a property that is called `items` is a name, and
 * what lies in `const`, `enum`, `default` or `examples` is data. `name` is the property's for `properties` and the like.
 */
export function eachSubschema(
  schema: JsonView,
  visit: (child: JsonView, keyword: string, name: string | undefined) => void,
): void {
  for (const { key, value } of schema.members()) {
    if (NAMED_SCHEMAS.has(key)) {
      for (const entry of value.members()) if (entry.value.type === 'object') visit(entry.value, key, entry.key);
    } else if (SCHEMAS.has(key)) {
      if (value.type === 'object') visit(value, key, undefined);
      else value.forEachItem((item) => item.type === 'object' && visit(item, key, undefined));
    }
  }
}
