import { GROUPS, groupOf } from './tools.mjs';

export const VIEWS = 50;

/**
 * Groups hidden from each view: from the first none, from the others one, two or three. Group 0 is open to all, so that
 * every caller may call its tools.
 */
export const HIDDEN: readonly (readonly number[])[] = [...subsets()].slice(0, VIEWS);

/** The views that show a group. */
export function viewsOf(group: number): number[] {
  return HIDDEN.flatMap((hidden, view) => (hidden.includes(group) ? [] : [view]));
}

export function isVisible(view: number, tool: string): boolean {
  return !HIDDEN[view]?.includes(groupOf(tool));
}

/** Small subsets of the groups 1 to 9, by size. */
function* subsets(): Generator<number[]> {
  const groups = Array.from({ length: GROUPS - 1 }, (_, index) => index + 1);
  yield [];
  for (const a of groups) yield [a];
  for (const a of groups) for (const b of groups) if (b > a) yield [a, b];
  for (const a of groups) for (const b of groups) for (const c of groups) if (c > b && b > a) yield [a, b, c];
}
