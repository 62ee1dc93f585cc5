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
