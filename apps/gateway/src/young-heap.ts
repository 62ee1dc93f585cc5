import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 put every new object where short-lived ones belong. By default it counts, in the first collections, what
 * outlives them, and from then on makes objects of such places in the long-lived heap. At that time the heap is small and
 * every request in flight outlives a collection, so by chance requests and responses are taken for long-lived: then each
 * one, and all it holds, stays until a full collection, and young collections take ten times as long.
 */
export function keepHeapYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}

/**
 * Lets the heap grow to four times what lives in it before all of it is collected; near the heap's limit V8 allows less. By
 * default it allows a heap that grows slowly, as this one does, a tenth more, and counts what lies outside of it as well: bodies,
 * also those that the next young collection would free. With bodies of ten kilobytes even a heap that may double is collected
 * several times a second, which takes up to a sixth of all time.
 */
export function collectSeldom(): void {
  setFlagsFromString('--heap-growing-percent=300');
}
