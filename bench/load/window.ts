import type { Task } from './tasks.ts';
import { WrongReply } from './wrong-reply.ts';

/** When a window ends: after a time, or after so many calls. */
export interface WindowLength {
  readonly seconds?: number;
  readonly calls?: number;
}

export interface WindowResult {
  readonly calls: number;
  readonly seconds: number;
  /** Milliseconds of each right reply, ascending. */
  readonly latencies: Float64Array;
  readonly failures: readonly WrongReply[];
}

/** So many wrong replies end a window: something is broken, and the rest would only say so again. */
const ENOUGH = 20;

/** Lets every task run again and again, each one waiting for its own reply before it asks anew. */
export async function runWindow(tasks: readonly Task[], length: WindowLength): Promise<WindowResult> {
  const latencies: number[] = [];
  const failures: WrongReply[] = [];
  let left = length.calls ?? Number.POSITIVE_INFINITY;
  const begin = performance.now();
  const end = length.seconds === undefined ? Number.POSITIVE_INFINITY : begin + length.seconds * 1000;
  const work = async (task: Task) => {
    for (let sent = performance.now(); sent < end && left > 0 && failures.length < ENOUGH; ) {
      left -= 1;
      try {
        await task.run();
        const now = performance.now();
        latencies.push(now - sent);
        sent = now;
      } catch (error) {
        task.close();
        failures.push(WrongReply.from(error));
        sent = performance.now();
      }
    }
  };
  await Promise.all(tasks.map(work));
  return {
    calls: latencies.length,
    seconds: (performance.now() - begin) / 1000,
    latencies: Float64Array.from(latencies).sort(),
    failures,
  };
}
