import type { JsonView, Span } from './view.js';

/** Replaces the bytes of a span; `start === end` inserts. */
export interface Edit extends Span {
  readonly text: string | Buffer;
}

/**
 * Applies edits (any order, not overlapping) to `within` (default: all of `bytes`) and returns new bytes; returns the
 * untouched subarray when there are none.
 */
export function splice(_bytes: Buffer, _edits: readonly Edit[], _within?: Span): Buffer {
  throw new Error('pending');
}

/** What to do with an object's members. Values are JSON text. */
export interface MemberChanges {
  readonly set?: Readonly<Record<string, string | Buffer>>;
  readonly remove?: readonly string[];
}

/** Edits that set (replace in place, or append) and remove members of an object, with the commas right. */
export function editMembers(_object: JsonView, _changes: MemberChanges): Edit[] {
  throw new Error('pending');
}
