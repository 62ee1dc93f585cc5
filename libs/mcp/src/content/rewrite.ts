import { editMembers } from '../json/edit-members.js';
import { mayContain } from '../json/needles.js';
import { type Edit, splice } from '../json/splice.js';
import { JsonView } from '../json/view.js';
import { hasScheme, isHttpUri } from '../names/uris.js';
import { eachBlock, eachInnerBlock, eachMessageBlock } from './blocks.js';
import { withoutHopMeta } from './hop-meta.js';

/** Maps an upstream's URI to what the client should see; returning the same string leaves the bytes alone. */
export type UriMap = (uri: string) => string;

/**
 * Rewrites URIs in a result on its way to the client, by splicing: content blocks `resource_link.uri` and
 * `resource.resource.uri` (tools/call `content[]`, prompts/get `messages[].content` as object or array,
 * sampling/createMessage `content`, tool results inside them), resources/read `contents[].uri`, and
 * `_meta.ui.resourceUri` / `_meta["ui/resourceUri"]`. http(s) URIs stay bare in content, since clients may fetch them
 * themselves, and so do relative references everywhere. Not in text, not in structuredContent.
 * Returns the same buffer when nothing changes, without parsing when no candidate bytes occur.
 */
export function rewriteResultUris(method: string, result: Buffer, map: UriMap): Buffer {
  if (!mayHoldUris(result)) return result;
  const view = JsonView.of(result);
  const edits: Edit[] = [];
  const block = (outer: JsonView) => eachInnerBlock(outer, (inner) => addBlock(edits, inner, map));
  switch (method) {
    case 'tools/call':
    case 'sampling/createMessage':
      eachBlock(view, block);
      break;
    case 'prompts/get':
      eachMessageBlock(view, block);
      break;
    case 'resources/read':
      view.get('contents')?.forEachItem((contents) => addUri(edits, contents.get('uri'), map, false));
      break;
  }
  addMeta(edits, view, map);
  return splice(result, edits);
}

/** The same for the params of sampling/createMessage (`messages[].content`) and elicitation, on their way to the client. */
export function rewriteAskUris(params: Buffer, map: UriMap): Buffer {
  if (!mayHoldUris(params)) return params;
  const view = JsonView.of(params);
  const edits: Edit[] = [];
  eachMessageBlock(view, (outer) => eachInnerBlock(outer, (inner) => addBlock(edits, inner, map)));
  addMeta(edits, view, map);
  return splice(params, edits);
}

/** One list item: sets `name` or `uri`/`uriTemplate` and the `_meta` UI keys, drops `execution` (tasks are not relayed) and hop-by-hop `_meta`. */
export function rewriteItem(
  raw: Buffer,
  changes: { name?: string; uri?: string; uriTemplate?: string; map?: UriMap },
): Buffer {
  const item = withoutHopMeta(raw);
  const view = JsonView.of(item);
  if (view.type !== 'object') return item;
  const set: Record<string, string> = {};
  for (const key of ['name', 'uri', 'uriTemplate'] as const) {
    const text = changes[key];
    if (text !== undefined && view.get(key)?.string() !== text) set[key] = JSON.stringify(text);
  }
  const edits = editMembers(view, { set, remove: ['execution'] });
  if (changes.map) addMeta(edits, view, changes.map);
  return splice(item, edits);
}

/** Whether any of the places can be there; escaped spelling counts as yes. */
function mayHoldUris(bytes: Buffer): boolean {
  return mayContain(bytes, '"uri"', '"resourceUri"', '/resourceUri"');
}

function addBlock(edits: Edit[], block: JsonView, map: UriMap): void {
  switch (block.get('type')?.string()) {
    case 'resource_link':
      addUri(edits, block.get('uri'), map);
      break;
    case 'resource':
      addUri(edits, block.at('resource', 'uri'), map);
      break;
  }
}

function addMeta(edits: Edit[], holder: JsonView, map: UriMap): void {
  const meta = holder.get('_meta');
  addUri(edits, meta?.at('ui', 'resourceUri'), map);
  addUri(edits, meta?.get('ui/resourceUri'), map);
}

function addUri(edits: Edit[], value: JsonView | undefined, map: UriMap, httpStays = true): void {
  const uri = value?.string();
  if (value === undefined || uri === undefined || !hasScheme(uri) || (httpStays && isHttpUri(uri))) return;
  const mapped = map(uri);
  if (mapped !== uri) edits.push({ start: value.start, end: value.end, text: JSON.stringify(mapped) });
}
