import { type Edit, editMembers, splice } from '../json/splice.js';
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
  const candidate =
    result.includes('resource_link') || (!knowsAudio && result.includes('"audio"')) || result.includes('\\u00');
  if (!candidate) return result;

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
 * Fits an elicitation's params to an older client: enum schemas (`oneOf` const/title) to `enum` + `enumNames` before
 * 2025-11-25. Returns the same buffer when nothing applies.
 */
export function downgradeElicitation(params: Buffer, clientVersion: string): Buffer {
  if (atLeast(clientVersion, '2025-11-25')) return params;
  if (!params.includes('oneOf') && !params.includes('\\u00')) return params;
  const edits: Edit[] = [];
  for (const { value: property } of propertiesOf(params)) {
    const choices = property.get('oneOf')?.items();
    if (!choices?.length) continue;
    const values = choices.map((choice) => choice.get('const')?.raw().toString());
    if (values.includes(undefined)) continue;
    const titles = choices.map((choice, i) => choice.get('title')?.raw().toString() ?? values[i]);
    edits.push(
      ...editMembers(property, {
        set: { enum: `[${values.join(',')}]`, enumNames: `[${titles.join(',')}]` },
        remove: ['oneOf'],
      }),
    );
  }
  return splice(params, edits);
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
