import { type Buffers, byteText, type Piece } from '../bytes.js';
import type { Span } from './view.js';

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

/** `splice` into pieces: nothing long is copied, what is short becomes text. */
export function splicePieces(bytes: Buffer, edits: readonly Edit[]): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const edit of inOrder(edits, 0, bytes.length)) {
    addPiece(pieces, bytes, from, edit.start);
    if (edit.text.length > 0) pieces.push(typeof edit.text === 'string' ? byteText(edit.text) : edit.text);
    from = edit.end;
  }
  addPiece(pieces, bytes, from, bytes.length);
  return pieces;
}

/** Up to so many bytes a text costs less than a view of a buffer. */
const TEXT = 4 * 1024;

function addPiece(pieces: Piece[], bytes: Buffer, start: number, end: number): void {
  if (end - start > TEXT) pieces.push(bytes.subarray(start, end));
  else if (end > start) pieces.push(bytes.toString('latin1', start, end));
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
