export interface Metric {
  readonly title: string;
  readonly unit: 'us' | 'ms' | '/s' | 'MB' | 'KB' | '%';
  readonly better: 'lower' | 'higher';
}

/** Every figure there is, docs/performance.md says what each means. Rounds hold them by these names. */
export const METRICS = {
  cpu: { title: 'CPU/call', unit: 'us', better: 'lower' },
  throughput: { title: 'calls', unit: '/s', better: 'higher' },
  p50: { title: 'p50', unit: 'ms', better: 'lower' },
  p90: { title: 'p90', unit: 'ms', better: 'lower' },
  p99: { title: 'p99', unit: 'ms', better: 'lower' },
  added: { title: 'added', unit: 'ms', better: 'lower' },
  rss: { title: 'RSS', unit: 'MB', better: 'lower' },
  load: { title: 'load', unit: '%', better: 'lower' },
  start: { title: 'start', unit: 'ms', better: 'lower' },
  listening: { title: 'listening', unit: 'ms', better: 'lower' },
  idleRss: { title: 'idle RSS', unit: 'MB', better: 'lower' },
  idlePss: { title: 'idle PSS', unit: 'MB', better: 'lower' },
  idleCpu: { title: 'idle CPU', unit: '%', better: 'lower' },
  rssEach: { title: 'RSS each', unit: 'KB', better: 'lower' },
  heapEach: { title: 'heap each', unit: 'KB', better: 'lower' },
  rssTotal: { title: 'RSS grown', unit: 'MB', better: 'lower' },
  heapLeft: { title: 'heap left', unit: 'KB', better: 'lower' },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

/** One entrant's figures in one round. */
export type Round = Partial<Record<MetricName, number>>;

export function metricOf(name: MetricName): Metric {
  return METRICS[name];
}
