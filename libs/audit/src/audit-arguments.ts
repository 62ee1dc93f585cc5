import { maskSecrets } from '#libs/kernel';
import { type JsonMember, JsonView } from '#libs/mcp';
import { jsonText, onOneLine } from './audit-text.js';

const MAX_KEYS = 32;
const MAX_KEY_BYTES = 96;
/** For what stands around keys and values. */
const FRAME_BYTES = 96;

/** What is told of a call's arguments, as JSON: their size, and name and size in bytes of each member at the top. */
export function argumentsText(json: Buffer): string {
  return `{${shape(json, JsonView.of(json).members())}}`;
}

/** The same, and the values of as many members as fit into so many bytes altogether. */
export function argumentsTextWithValues(json: Buffer, maxBytes: number): string {
  const members = JsonView.of(json).members();
  const told = shape(json, members);
  let left = maxBytes - Buffer.byteLength(told) - FRAME_BYTES;
  const values: string[] = [];
  for (const { key, value } of members.slice(0, MAX_KEYS)) {
    // What cannot fit is not even looked at.
    if (value.end - value.start > left) continue;
    const entry = `${jsonText(key, MAX_KEY_BYTES)}:${valueText(value.raw(), left)}`;
    const size = Buffer.byteLength(entry) + 1;
    if (size > left) continue;
    values.push(entry);
    left -= size;
  }
  const cut = values.length < members.length ? ',"values_cut":true' : '';
  return `{${told},"values":{${values.join()}}${cut}}`;
}

function shape(json: Buffer, members: readonly JsonMember[]): string {
  const keys = members
    .slice(0, MAX_KEYS)
    .map(({ key, value }) => `{"name":${jsonText(key, MAX_KEY_BYTES)},"bytes":${value.end - value.start}}`);
  const more = members.length - keys.length;
  return `"bytes":${json.length},"keys":[${keys.join()}]${more > 0 ? `,"more_keys":${more}` : ''}`;
}

/** Masking can break JSON that is no string; then it is told as one. */
function valueText(json: Buffer, room: number): string {
  const text = onOneLine(json);
  const masked = maskSecrets(text);
  return masked === text || isJson(masked) ? masked : jsonText(masked, room);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
