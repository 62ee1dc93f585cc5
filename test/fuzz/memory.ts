/** Growth between two thirds of a run that is no noise, in bytes. */
const NOTICEABLE = 3 * 1024 * 1024;

/** @throws Error without `--expose-gc` */
export function heapOfThisProcess(): number {
  const collect = globalThis.gc;
  if (!collect) throw new Error('start Node with --expose-gc');
  void collect();
  void collect();
  return process.memoryUsage().heapUsed;
}

/**
 * Whether memory kept growing with the cases: what fills once (caches, compiled code) grows in the first third, or in one
 * of the others, but not in each.
 */
export function isLeak(heaps: readonly number[]): boolean {
  const growth = heaps.slice(1).map((heap, index) => heap - (heaps[index] ?? 0));
  return growth.length > 1 && growth.slice(-2).every((bytes) => bytes > NOTICEABLE);
}
