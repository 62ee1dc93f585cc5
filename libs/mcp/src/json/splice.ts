import { stringEquals } from './bytes.js';
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
  const ordered = edits.length === 1 ? edits : [...edits].sort((a, b) => a.start - b.start || a.end - b.end);

  let size = end - start;
  let covered = start;
  for (const edit of ordered) {
    if (edit.start < covered || edit.end < edit.start || edit.end > end) {
      throw new RangeError(`edit ${edit.start}..${edit.end} overlaps another edit or leaves ${start}..${end}`);
    }
    size += Buffer.byteLength(edit.text) - (edit.end - edit.start);
    covered = edit.end;
  }

  const result = Buffer.allocUnsafe(size);
  let from = start;
  let to = 0;
  for (const edit of ordered) {
    to += bytes.copy(result, to, from, edit.start);
    to += typeof edit.text === 'string' ? result.write(edit.text, to) : edit.text.copy(result, to);
    from = edit.end;
  }
  bytes.copy(result, to, from, end);
  return result;
}

/** What to do with an object's members. Values are JSON text. */
export interface MemberChanges {
  readonly set?: Readonly<Record<string, string | Buffer>>;
  readonly remove?: readonly string[];
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

/** One member set and none removed, as most requests need it: undefined when it is more, or the key repeated. */
function simpleEdits(object: JsonView, { set, remove }: MemberChanges): Edit[] | undefined {
  if (!set || (remove !== undefined && remove.length > 0)) return undefined;
  const [key, ...more] = Object.keys(set);
  if (key === undefined || more.length > 0) return undefined;
  let [count, start, end, last] = [0, 0, 0, -1];
  object.forEachMember((keyStart, keyEnd, valueStart, valueEnd) => {
    last = valueEnd;
    if (!stringEquals(object.bytes, keyStart, keyEnd, key)) return;
    count++;
    start = valueStart;
    end = valueEnd;
  });
  if (count > 1) return undefined;
  const text = set[key] as string | Buffer;
  if (count === 1) return [{ start, end, text }];
  const at = last < 0 ? object.start + 1 : last;
  const label = `${last < 0 ? '' : ','}${JSON.stringify(key)}:`;
  const member = typeof text === 'string' ? label + text : Buffer.concat([Buffer.from(label), text]);
  return [{ start: at, end: at, text: member }];
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
