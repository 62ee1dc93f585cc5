import { setTimeout as wait } from 'node:timers/promises';

/** Whether the time passed, and the run did not end meanwhile. */
export async function passed(ms: number, end: AbortSignal): Promise<boolean> {
  return wait(ms, true, { signal: end }).catch(() => false);
}
