import type { Spelling } from '#libs/kernel';

/**
 * What a client sees of `name` of the upstream with this prefix (null on a single-upstream endpoint). Names over
 * the limit or with characters outside `[A-Za-z0-9_.-]` become `<prefix><separator><sanitized, cut>_<6 base32 of
 * sha256(original)>` (T7): deterministic, so replicas agree. The separator itself may be `:`. On a
 * single-upstream endpoint a name is left alone unless it is over the limit or holds control characters.
 */
export function exposedName(_prefix: string | null, _name: string, _spelling: Spelling): string {
  throw new Error('pending');
}
