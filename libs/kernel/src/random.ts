import { randomFillSync } from 'node:crypto';

/** Asking for sixteen bytes at a time costs more than the rest of a request's headers. */
const POOL = Buffer.alloc(4096);
let used = POOL.length;

/** So many random bytes, 1,024 at most, for at once: the next ones may be written over them. */
export function randomPiece(size: number): Buffer {
  if (used + size > POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  used += size;
  return POOL.subarray(used - size, used);
}
