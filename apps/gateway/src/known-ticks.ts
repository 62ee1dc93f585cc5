import { executionAsyncResource } from 'node:async_hooks';

/** One of the records Node makes for every `process.nextTick`; nobody reads it. */
export let kept: object | undefined;

/**
 * Keeps one record of `process.nextTick` alive, and with it what V8 knows of their form. A full collection that happens to
 * find none in flight forgets the form; the code that makes the records, which learnt the old one, is then served by V8's
 * slowest way for as long as the process runs: half a microsecond for each of the eight ticks of a call.
 */
export function keepTicksKnown(): void {
  process.nextTick(() => {
    kept = executionAsyncResource();
  });
}
