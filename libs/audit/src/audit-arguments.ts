import { maskSecrets } from '#libs/kernel';
import type { JsonView } from '#libs/mcp';
import { jsonText, onOneLine } from './audit-text.js';
import type { RecurringTexts } from './recurring-texts.js';

const MAX_KEYS = 32;
const MAX_KEY_BYTES = 96;
/** For what stands around keys and values. */
const FRAME_BYTES = 96;

/** What is told of a call's arguments, as JSON: their size, and name and size in bytes of each member at the top. */
export function argumentsText(args: JsonView, texts: RecurringTexts): string {
  return `{${shape(args, texts)}}`;
}

/** The same, and the values of as many members as fit into so many bytes altogether. */
export function argumentsTextWithValues(args: JsonView, maxBytes: number, texts: RecurringTexts): string {
  const told = shape(args, texts);
  let left = maxBytes - Buffer.byteLength(told) - FRAME_BYTES;
  const values: string[] = [];
  const members = args.members();
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

function shape(args: JsonView, texts: RecurringTexts): string {
  const { bytes } = args;
  let keys = '';
  let count = 0;
  args.forEachMember((keyStart, keyEnd, start, end) => {
    if (count++ >= MAX_KEYS) return;
    const name = texts.spelled(bytes.toString('latin1', keyStart, keyEnd), MAX_KEY_BYTES);
    keys += `${keys && ','}{"name":${name},"bytes":${end - start}}`;
  });
  const more = count - MAX_KEYS;
  return `"bytes":${args.end - args.start},"keys":[${keys}]${more > 0 ? `,"more_keys":${more}` : ''}`;
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
