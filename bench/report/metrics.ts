export interface Metric {
  readonly title: string;
  readonly unit: 'us' | 'ms' | '/s' | 'MB' | 'KB' | 'x' | '%';
  readonly better: 'lower' | 'higher';
  /** For the table of the documentation and for whoever reads the JSON. */
  readonly means: string;
}

/** Every figure there is. Rounds hold them by these names. */
export const METRICS = {
  cpu: {
    title: 'CPU/call',
    unit: 'us',
    better: 'lower',
    means: "processor time of the target's process tree per call",
  },
  throughput: { title: 'calls', unit: '/s', better: 'higher', means: 'right replies per second' },
  p50: { title: 'p50', unit: 'ms', better: 'lower', means: 'half of the replies came within this time' },
  p90: { title: 'p90', unit: 'ms', better: 'lower', means: 'nine of ten replies came within this time' },
  p99: { title: 'p99', unit: 'ms', better: 'lower', means: '99 of 100 replies came within this time' },
  added: {
    title: 'added',
    unit: 'ms',
    better: 'lower',
    means: 'p50 beyond that of the direct baseline in the same round',
  },
  rss: { title: 'RSS', unit: 'MB', better: 'lower', means: 'resident memory of the process tree behind the window' },
  load: {
    title: 'load',
    unit: '%',
    better: 'lower',
    means: 'share of their core that load generator and upstream used: near 100 they, not the target, limit throughput',
  },
  start: { title: 'start', unit: 'ms', better: 'lower', means: 'from process start to the first answered call' },
  listening: {
    title: 'listening',
    unit: 'ms',
    better: 'lower',
    means: 'from process start to the first answered request',
  },
  idleRss: {
    title: 'idle RSS',
    unit: 'MB',
    better: 'lower',
    means: 'resident memory after the start, without traffic',
  },
  idlePss: { title: 'idle PSS', unit: 'MB', better: 'lower', means: 'the same, shared pages divided among processes' },
  idleCpu: { title: 'idle CPU', unit: '%', better: 'lower', means: 'share of a core used without traffic' },
  rssEach: { title: 'RSS each', unit: 'KB', better: 'lower', means: 'growth of resident memory per session' },
  heapEach: {
    title: 'heap each',
    unit: 'KB',
    better: 'lower',
    means: 'growth of heap and buffers per session, after a forced collection',
  },
  rssTotal: { title: 'RSS grown', unit: 'MB', better: 'lower', means: 'growth of resident memory by all sessions' },
  heapLeft: {
    title: 'heap left',
    unit: 'KB',
    better: 'lower',
    means: 'heap and buffers per session that stay after all sessions have ended',
  },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

/** One entrant's figures in one round. */
export type Round = Partial<Record<MetricName, number>>;

export function metricOf(name: MetricName): Metric {
  return METRICS[name];
}
