import { indexOfString, stringEquals } from './bytes.js';
import { SPAN_WIDTH } from './members.js';
import type { Edit } from './splice.js';
import type { JsonView } from './view.js';

type Text = string | Buffer;
type Spans = readonly number[];

/** What to do with an object's members. Values are JSON text. */
export interface MemberChanges {
  readonly set?: Readonly<Record<string, Text>> | undefined;
  readonly remove?: readonly string[] | undefined;
  /** Members to append, as JSON text. What the object may have of these names has to be in `remove`. */
  readonly add?: string | undefined;
}

const NONE: readonly never[] = [];

/**
 * Edits that set (replace in place, or append), remove and append members of an object, with the commas right. A key that is
 * both set and removed is set. Of a repeated key that is set only the last occurrence remains. Where none of the members
 * stays, one edit replaces them all.
 *
 * @throws TypeError when the view is not an object
 */
export function editMembers(object: JsonView, { set, remove = NONE, add }: MemberChanges): Edit[] {
  if (object.type !== 'object') throw new TypeError(`cannot edit members of a JSON ${object.type}`);
  const { bytes } = object;
  const spans = object.spans ?? spansOf(object);
  const keys = set ? Object.keys(set) : NONE;
  const edits: Edit[] = [];
  let staying = 0;
  let replaced = 0;
  for (let at = 0; at < spans.length; at += SPAN_WIDTH) {
    const [start, end] = [spans[at] as number, spans[at + 1] as number];
    const index = keys.length > 0 ? indexOfString(bytes, start, end, keys) : -1;
    const replaces = index >= 0 && isLast(bytes, spans, at, keys[index] as string);
    if (!replaces && (index >= 0 || (remove.length > 0 && indexOfString(bytes, start, end, remove) >= 0))) {
      // The first ones take the comma behind them along, every other one the comma before it.
      if (staying > 0) edits.push({ start: spans[at - 1] as number, end: spans[at + 3] as number, text: '' });
      continue;
    }
    if (staying++ === 0 && at > 0) edits.push({ start: spans[0] as number, end: start, text: '' });
    if (!replaces) continue;
    edits.push({ start: spans[at + 2]!, end: spans[at + 3]!, text: set![keys[index]!] as Text });
    replaced++;
  }
  if (spans.length > 0 && staying === 0) {
    return [{ start: spans[0] as number, end: spans.at(-1) as number, text: membersText(keys, set, add) }];
  }
  if (replaced < keys.length || add !== undefined) {
    const missing = replaced < keys.length ? keys.filter((key) => !has(bytes, spans, key)) : NONE;
    const at = spans.at(-1) ?? object.start + 1;
    edits.push({ start: at, end: at, text: membersText(missing, set, add, staying > 0) });
  }
  return edits;
}

/** Members as JSON text; a string while it can be one. */
function membersText(
  keys: readonly string[],
  set: MemberChanges['set'],
  add: string | undefined,
  behindOthers = false,
): Text {
  let text: Text = '';
  let separator = behindOthers ? ',' : '';
  for (const key of keys) {
    text = joined(text, `${separator}${JSON.stringify(key)}:`, set![key] as Text);
    separator = ',';
  }
  return add === undefined ? text : joined(text, separator, add);
}

function joined(text: Text, label: string, value: Text): Text {
  if (typeof text === 'string' && typeof value === 'string') return text + label + value;
  return Buffer.concat([toBuffer(text), Buffer.from(label), toBuffer(value)]);
}

function toBuffer(text: Text): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text;
}

/** Whether none of the members behind the one at `at` has its key. */
function isLast(bytes: Buffer, spans: Spans, at: number, key: string): boolean {
  return !has(bytes, spans, key, at + SPAN_WIDTH);
}

function has(bytes: Buffer, spans: Spans, key: string, from = 0): boolean {
  for (let at = from; at < spans.length; at += SPAN_WIDTH) {
    if (stringEquals(bytes, spans[at]!, spans[at + 1]!, key)) return true;
  }
  return false;
}

/** Of more members than a view remembers. */
function spansOf(object: JsonView): Spans {
  const spans: number[] = [];
  object.forEachMember((keyStart, keyEnd, start, end) => spans.push(keyStart, keyEnd, start, end));
  return spans;
}
