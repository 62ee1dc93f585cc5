import { editMembers } from '../json/edit-members.js';
import { mayContain } from '../json/needles.js';
import { type Edit, splice } from '../json/splice.js';
import { JsonView } from '../json/view.js';
import { atLeast } from '../versions.js';
import { eachBlock, eachMessageBlock } from './blocks.js';

/**
 * Fits a result of tools/call or prompts/get to an older client revision: audio becomes a text note plus an embedded
 * blob resource before 2025-03-26 (the resource alone where only one block may stand), resource_link becomes text
 * before 2025-06-18; other fields stay. Returns the same buffer when nothing applies; costs nothing for current clients.
 */
export function downgradeResult(method: string, result: Buffer, clientVersion: string): Buffer {
  if (atLeast(clientVersion, '2025-06-18')) return result;
  if (method !== 'tools/call' && method !== 'prompts/get') return result;
  const knowsAudio = atLeast(clientVersion, '2025-03-26');
  const unknown = knowsAudio ? ['"resource_link"'] : ['"resource_link"', '"audio"'];
  if (!mayContain(result, ...unknown)) return result;

  const edits: Edit[] = [];
  let audios = 0;
  const convert = (block: JsonView, inArray: boolean) => {
    const type = block.get('type')?.string();
    if (type === 'resource_link') {
      edits.push({ start: block.start, end: block.end, text: linkAsText(block) });
    } else if (type === 'audio' && !knowsAudio) {
      edits.push({ start: block.start, end: block.end, text: audioAsResource(block, inArray, ++audios) });
    }
  };
  const view = JsonView.of(result);
  if (method === 'tools/call') eachBlock(view, convert);
  else eachMessageBlock(view, convert);
  return splice(result, edits);
}

/**
 * Fits a form's params to a client before 2025-11-25: `oneOf` const/title becomes `enum` + `enumNames`, `mode` and the
 * defaults of anything but booleans go. Returns the same buffer when nothing applies.
 */
export function downgradeElicitation(params: Buffer, clientVersion: string): Buffer {
  if (atLeast(clientVersion, '2025-11-25')) return params;
  const view = JsonView.of(params);
  const edits = view.get('mode')?.string() === 'form' ? editMembers(view, { remove: ['mode'] }) : [];
  for (const { value: property } of propertiesOf(params)) {
    if (property.type !== 'object') continue;
    const set = namedChoices(property);
    const remove = property.get('type')?.string() === 'boolean' ? [] : ['default'];
    edits.push(...editMembers(property, { set: set ?? {}, remove: set ? [...remove, 'oneOf'] : remove }));
  }
  return splice(params, edits);
}

/** `oneOf` const/title, the way older revisions say it. */
function namedChoices(property: JsonView): Record<string, string> | undefined {
  const choices = property.get('oneOf')?.items() ?? [];
  const values = choices.map((choice) => choice.get('const')?.raw().toString());
  if (values.length === 0 || values.includes(undefined)) return undefined;
  const titles = choices.map((choice, i) => choice.get('title')?.raw().toString() ?? values[i]);
  return { enum: `[${values.join(',')}]`, enumNames: `[${titles.join(',')}]` };
}

/** Whether an elicitation asks for several choices at once (array properties), which clients know since 2025-11-25. */
export function hasMultiSelect(params: Buffer): boolean {
  return propertiesOf(params).some(({ value }) => value.get('type')?.string() === 'array');
}

function propertiesOf(params: Buffer) {
  return JsonView.of(params).at('requestedSchema', 'properties')?.members() ?? [];
}

function linkAsText(block: JsonView): string {
  const name = block.get('name')?.string();
  const uri = block.get('uri')?.string() ?? '';
  return textBlock(block, name ? `${name}: ${uri}` : uri);
}

function audioAsResource(block: JsonView, inArray: boolean, ordinal: number): string {
  const mimeType = block.get('mimeType')?.string() ?? 'audio/*';
  const uri = JSON.stringify(`urn:mcp-gateway:audio:${ordinal}`);
  const data = block.get('data');
  const blob = data?.type === 'string' ? data.raw().toString() : '""';
  const resource = `{"type":"resource","resource":{"uri":${uri},"mimeType":${JSON.stringify(mimeType)},"blob":${blob}}${annotations(block)}}`;
  return inArray ? `${textBlock(block, `Audio (${mimeType})`)},${resource}` : resource;
}

function textBlock(block: JsonView, text: string): string {
  return `{"type":"text","text":${JSON.stringify(text)}${annotations(block)}}`;
}

function annotations(block: JsonView): string {
  const value = block.get('annotations');
  return value ? `,"annotations":${value.raw().toString()}` : '';
}
