import type { BackoffSettings } from '#libs/kernel';

/** A session that lived at least this many first backoffs has proven itself. */
const PROVEN = 10;

/** Early deaths in a row that are taken for accidents: only then there is a wait, or a longer one. */
export const TOLERATED = 3;

/** Whether what lived for so many milliseconds may be in a crash loop. */
export function diedEarly(lived: number, { initial }: BackoffSettings): boolean {
  return lived < initial * PROVEN;
}
