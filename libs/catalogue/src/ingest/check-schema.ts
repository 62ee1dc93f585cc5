import { type Edit, editMembers, type JsonView } from '#libs/mcp';

export interface SchemaCheck {
  /** Why this schema would make clients refuse it; absent when it is fine, or fine after the edits. */
  readonly fault?: string;
  /** The fault is its size. */
  readonly tooLarge?: boolean;
  readonly edits: readonly Edit[];
  readonly repairs: readonly string[];
}

/**
 * Checks the root of a tool's schema: an object schema (M:tools, L:tools), since one that is not makes common clients
 * drop the whole list. Nothing is resolved or compiled; what lies deeper is for those who validate with it.
 */
export function checkObjectSchema(schema: JsonView, maxBytes: number): SchemaCheck {
  const edits: Edit[] = [];
  const repairs: string[] = [];
  const refuse = (fault: string): SchemaCheck => ({ fault, edits: [], repairs: [] });

  if (schema.type !== 'object') return refuse('is not an object');
  if (schema.end - schema.start > maxBytes) return { ...refuse(`is larger than ${maxBytes} bytes`), tooLarge: true };
  const members = new Map(schema.members().map(({ key, value }) => [key, value]));
  if (members.get('type')?.string() !== 'object') return refuse('has no type "object" at its root');

  const drop: string[] = [];
  const properties = members.get('properties');
  if (properties) {
    if (properties.type === 'null') drop.push('properties');
    else if (properties.type !== 'object') return refuse('has properties that are not an object');
    else {
      for (const { key, value } of properties.members()) {
        if (value.type === 'object') continue;
        if (value.type !== 'boolean') return refuse(`has a property that is not a schema: ${key.slice(0, 64)}`);
        // The same schema as an object: clients of the legacy revisions know no boolean ones.
        edits.push({ start: value.start, end: value.end, text: value.value() === true ? '{}' : '{"not":{}}' });
        repairs.push(`boolean schema of property ${key.slice(0, 64)} spelled as an object`);
      }
    }
  }
  const required = members.get('required');
  if (required) {
    if (required.type === 'null') drop.push('required');
    else if (required.type !== 'array' || required.items().some((item) => item.type !== 'string')) {
      return refuse('has required that is not an array of strings');
    }
  }
  if (drop.length > 0) {
    edits.push(...editMembers(schema, { remove: drop }));
    repairs.push(...drop.map((member) => `${member}: null dropped`));
  }
  return { edits, repairs };
}
