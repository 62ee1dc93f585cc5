import { editMembers } from '../json/edit-members.js';
import { mayContain } from '../json/needles.js';
import { type Edit, splice } from '../json/splice.js';
import { JsonView } from '../json/view.js';
import { eachSubschema } from '../schema/subschemas.js';

/** Where the schema stands once it is wrapped. */
const MOVED = '#/properties/result';

/**
 * Whether a tool's `outputSchema` is one that only modern clients take: the legacy revisions know objects only. Its
 * results are then wrapped for legacy clients whatever they are, so that list and call agree.
 */
export function needsProjection(tool: JsonView): boolean {
  const schema = tool.get('outputSchema');
  return schema?.type === 'object' && schema.get('type')?.string() !== 'object';
}

/**
 * A tool as legacy clients get it: an `outputSchema` for something else than an object becomes one for an object whose
 * member `result` is that. `$schema` moves to the new root, and local pointers follow the schema to its new place, save
 * in parts that have an `$id` and so a root of their own. Returns the same buffer when there is nothing to do.
 */
export function projectOutputSchema(tool: Buffer): Buffer {
  if (!mayContain(tool, '"outputSchema"')) return tool;
  const view = JsonView.of(tool);
  if (view.type !== 'object' || !needsProjection(view)) return tool;
  const schema = view.get('outputSchema')!;
  const dialect = schema.get('$schema');
  const edits: Edit[] = dialect ? editMembers(schema, { remove: ['$schema'] }) : [];
  movePointers(schema, edits);
  const moved = splice(schema.bytes, edits, schema);
  const head = dialect ? `"$schema":${dialect.raw().toString()},` : '';
  const wrapped = Buffer.concat([
    Buffer.from(`{${head}"type":"object","properties":{"result":`),
    moved,
    Buffer.from('},"required":["result"]}'),
  ]);
  return splice(tool, [{ start: schema.start, end: schema.end, text: wrapped }]);
}

/**
 * A tools/call result as legacy clients get it. Structured content that is no object, or any of a tool whose schema
 * `needsProjection`, is wrapped as `{"result":…}`; one that is no object is also said as text when no text block is there
 * (SEP-2106). Returns the same buffer when there is nothing to do.
 */
export function projectStructured(result: Buffer, projected = false): Buffer {
  if (!mayContain(result, '"structuredContent"')) return result;
  const view = JsonView.of(result);
  const structured = view.get('structuredContent');
  if (!structured) return result;
  const isObject = structured.type === 'object';
  if (isObject && !projected) return result;
  const json = structured.raw();
  const set: Record<string, string | Buffer> = {
    structuredContent: Buffer.concat([Buffer.from('{"result":'), json, Buffer.from('}')]),
  };
  const content = view.get('content');
  const edits: Edit[] = [];
  if (!isObject && !hasText(content)) {
    const block = `{"type":"text","text":${JSON.stringify(json.toString())}}`;
    if (content?.type !== 'array') set['content'] = `[${block}]`;
    else {
      const last = content.items().at(-1);
      const at = last?.end ?? content.start + 1;
      edits.push({ start: at, end: at, text: last ? `,${block}` : block });
    }
  }
  return splice(result, [...edits, ...editMembers(view, { set })]);
}

function hasText(content: JsonView | undefined): boolean {
  let found = false;
  content?.forEachItem((block) => {
    found ||= block.get('type')?.string() === 'text';
  });
  return found;
}

function movePointers(schema: JsonView, edits: Edit[]): void {
  const id = schema.get('$id')?.string();
  // A bare fragment is draft 6's way to write an anchor, not a root of its own.
  if (id !== undefined && !id.startsWith('#')) return;
  for (const keyword of ['$ref', '$dynamicRef']) {
    const value = schema.get(keyword);
    const pointer = value?.string();
    if (value && pointer !== undefined && (pointer === '#' || pointer.startsWith('#/'))) {
      edits.push({ start: value.start, end: value.end, text: JSON.stringify(MOVED + pointer.slice(1)) });
    }
  }
  eachSubschema(schema, (child) => movePointers(child, edits));
}
