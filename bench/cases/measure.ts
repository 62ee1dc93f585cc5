import type { Task } from '../load/tasks.ts';
import { runWindow, type WindowLength, type WindowResult } from '../load/window.ts';
import { cpuNs, rssOf } from '../machine/usage.ts';
import type { Round } from '../report/metrics.ts';
import { percentile } from '../stats/summary.ts';
import type { Lab } from '../targets/lab.ts';
import type { Target } from '../targets/target.ts';

const MB = 1024 * 1024;

export interface Measured {
  readonly figures: Round;
  readonly window: WindowResult;
}

/** One window of one target: what it delivered, and what that took. */
export async function measureWindow(
  target: Target,
  tasks: readonly Task[],
  length: WindowLength,
  lab: Lab,
): Promise<Measured> {
  const pids = target.pids();
  const stop = target.besides();
  const before = usage(pids, lab.upstream.pid);
  const window = await runWindow(tasks, length);
  const after = usage(pids, lab.upstream.pid);
  stop();
  const { calls, seconds, latencies } = window;
  const [own, upstreams] = [after.own - before.own, after.upstream - before.upstream];
  const { load, upstream } = lab.options.placement;
  // On a core they share what counts is both of them, else the busier one.
  const busy = load !== undefined && load === upstream ? own + upstreams : Math.max(own, upstreams);
  const figures: Round = {
    cpu: (after.target - before.target) / 1000 / calls,
    throughput: calls / seconds,
    p50: percentile(latencies, 0.5),
    p90: percentile(latencies, 0.9),
    p99: percentile(latencies, 0.99),
    rss: rssOf(pids) / MB,
    load: (busy / (seconds * 1e9)) * 100,
  };
  return { figures: calls === 0 ? {} : figures, window };
}

/** Nanoseconds of processor time so far. */
function usage(pids: readonly number[], upstreamPid: number): { target: number; own: number; upstream: number } {
  const { user, system } = process.cpuUsage();
  return { target: cpuNs(pids), own: (user + system) * 1000, upstream: cpuNs([upstreamPid]) };
}
