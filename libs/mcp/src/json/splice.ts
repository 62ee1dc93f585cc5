import type { Buffers } from '../bytes.js';
import { stringEquals } from './bytes.js';
import { SPAN_WIDTH } from './members.js';
import type { JsonMember, JsonView, Span } from './view.js';

/** Replaces the bytes of a span; `start === end` inserts. */
export interface Edit extends Span {
  readonly text: string | Buffer;
}

/**
 * Applies edits (any order, not overlapping) to `within` (default: all of `bytes`) and returns new bytes; returns the
 * untouched subarray when there are none. Several inserts at one place keep their order.
 *
 * @throws RangeError when edits overlap or reach out of `within`: always a mistake of the caller
 */
export function splice(bytes: Buffer, edits: readonly Edit[], within?: Span): Buffer {
  const start = within?.start ?? 0;
  const end = within?.end ?? bytes.length;
  if (edits.length === 0) return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
  return joined('', bytes, inOrder(edits, start, end), start, end, '');
}

/** From this size on, writing pieces costs a socket less than copying them into one. */
const PIECES = 64 * 1024;
/** What is shorter is copied all the same. */
const STRETCH = 16 * 1024;

/** `splice` between two texts. Of large bytes the long stretches that stay become pieces of the result instead of copies. */
export function spliceBetween(
  before: string,
  bytes: Buffer,
  edits: readonly Edit[],
  { start, end }: Span,
  behind: string,
): Buffers {
  const ordered = inOrder(edits, start, end);
  if (end - start < PIECES) return joined(before, bytes, ordered, start, end, behind);
  const pieces: Buffer[] = [];
  let [lead, short, from] = [before, start, start];
  let pending: Edit[] = [];
  for (const edit of [...ordered, { start: end, end, text: '' }]) {
    if (edit.start - from >= STRETCH) {
      pieces.push(joined(lead, bytes, pending, short, from, ''), bytes.subarray(from, edit.start));
      [lead, short, pending] = ['', edit.start, []];
    }
    pending.push(edit);
    from = edit.end;
  }
  pieces.push(joined(lead, bytes, pending, short, end, behind));
  return pieces;
}

function inOrder(edits: readonly Edit[], start: number, end: number): readonly Edit[] {
  const ordered = isInOrder(edits) ? edits : [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  let covered = start;
  for (const edit of ordered) {
    if (edit.start < covered || edit.end < edit.start || edit.end > end) {
      throw new RangeError(`edit ${edit.start}..${edit.end} overlaps another edit or leaves ${start}..${end}`);
    }
    covered = edit.end;
  }
  return ordered;
}

function isInOrder(edits: readonly Edit[]): boolean {
  for (let i = 1; i < edits.length; i++) if (edits[i]!.start < edits[i - 1]!.end) return false;
  return true;
}

/** One buffer of all that. */
function joined(
  before: string,
  bytes: Buffer,
  ordered: readonly Edit[],
  start: number,
  end: number,
  behind: string,
): Buffer {
  let size = Buffer.byteLength(before) + end - start + Buffer.byteLength(behind);
  for (const edit of ordered) size += lengthOf(edit.text) - (edit.end - edit.start);
  const result = Buffer.allocUnsafe(size);
  let to = before === '' ? 0 : result.write(before);
  let from = start;
  for (const edit of ordered) {
    to += bytes.copy(result, to, from, edit.start);
    to += typeof edit.text === 'string' ? result.write(edit.text, to) : edit.text.copy(result, to);
    from = edit.end;
  }
  to += bytes.copy(result, to, from, end);
  if (behind !== '') result.write(behind, to);
  return result;
}

function lengthOf(text: string | Buffer): number {
  return typeof text === 'string' ? Buffer.byteLength(text) : text.length;
}

const NO_KEYS: readonly string[] = [];

/** What to do with an object's members. Values are JSON text. */
export interface MemberChanges {
  readonly set?: Readonly<Record<string, string | Buffer>> | undefined;
  readonly remove?: readonly string[] | undefined;
}

/**
 * Edits that set (replace in place, or append) and remove members of an object, with the commas right. A key that is
 * both set and removed is set. Of a repeated key that is set only the last occurrence remains.
 *
 * @throws TypeError when the view is not an object
 */
export function editMembers(object: JsonView, changes: MemberChanges): Edit[] {
  if (object.type !== 'object') throw new TypeError(`cannot edit members of a JSON ${object.type}`);
  return simpleEdits(object, changes) ?? anyEdits(object, changes);
}

/** Nothing to remove and no key repeated, as in nearly every message: undefined when it is otherwise. */
function simpleEdits({ bytes, spans, start }: JsonView, { set, remove }: MemberChanges): Edit[] | undefined {
  if (!spans) return undefined;
  const keys = set ? Object.keys(set) : NO_KEYS;
  if (keys.length > 30) return undefined;
  const edits: Edit[] = [];
  let found = 0;
  for (let at = 0; at < spans.length; at += SPAN_WIDTH) {
    const [keyStart, keyEnd] = [spans[at] as number, spans[at + 1] as number];
    if (remove) for (const key of remove) if (stringEquals(bytes, keyStart, keyEnd, key)) return undefined;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as string;
      if (!stringEquals(bytes, keyStart, keyEnd, key)) continue;
      if (found & (1 << index)) return undefined;
      found |= 1 << index;
      edits.push({ start: spans[at + 2]!, end: spans[at + 3]!, text: set![key] as string | Buffer });
    }
  }
  if (edits.length === keys.length) return edits;
  const last = spans[spans.length - 1];
  let text: string | Buffer = '';
  for (let index = 0; index < keys.length; index++) {
    if (found & (1 << index)) continue;
    const key = keys[index] as string;
    const separator = text.length > 0 || last !== undefined ? ',' : '';
    text = concatenated(text, `${separator}${JSON.stringify(key)}:`, set![key] as string | Buffer);
  }
  const at = last ?? start + 1;
  edits.push({ start: at, end: at, text });
  return edits;
}

/** Stays a string while it can. */
function concatenated(text: string | Buffer, label: string, value: string | Buffer): string | Buffer {
  if (typeof text === 'string' && typeof value === 'string') return text + label + value;
  return Buffer.concat([toBuffer(text), Buffer.from(label), toBuffer(value)]);
}

function anyEdits(object: JsonView, changes: MemberChanges): Edit[] {
  const members = object.members();
  const set = new Map(Object.entries(changes.set ?? {}));
  const kept = members.map((member) => !(changes.remove?.includes(member.key) || set.has(member.key)));
  const edits: Edit[] = [];

  for (let i = members.length - 1; i >= 0; i--) {
    const { key, value } = members[i]!;
    const text = set.get(key);
    if (text === undefined) continue;
    edits.push({ start: value.start, end: value.end, text });
    set.delete(key);
    kept[i] = true;
  }
  const anyKept = kept.includes(true);
  edits.push(...removals(members, kept, anyKept));

  if (set.size > 0) {
    const at = members.at(-1)?.value.end ?? object.start + 1;
    const added = [...set].map(([key, text]) =>
      Buffer.concat([Buffer.from(`${JSON.stringify(key)}:`), toBuffer(text)]),
    );
    const pieces = added.flatMap((member, i) => (i > 0 || anyKept ? [Buffer.from(','), member] : [member]));
    edits.push({ start: at, end: at, text: Buffer.concat(pieces) });
  }
  return edits;
}

function removals(members: readonly JsonMember[], kept: readonly boolean[], anyKept: boolean): Edit[] {
  const first = members[0];
  const last = members.at(-1);
  if (!first || !last) return [];
  if (!anyKept) return [{ start: first.keySpan.start, end: last.value.end, text: '' }];
  const edits: Edit[] = [];
  const firstKept = kept.indexOf(true);
  for (let i = 0; i < members.length; i++) {
    if (kept[i]) continue;
    // The leading run takes the comma behind it along, every other one the comma before it.
    edits.push(
      i < firstKept
        ? { start: members[i]!.keySpan.start, end: members[i + 1]!.keySpan.start, text: '' }
        : { start: members[i - 1]!.value.end, end: members[i]!.value.end, text: '' },
    );
  }
  return edits;
}

function toBuffer(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text;
}
