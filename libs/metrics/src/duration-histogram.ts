import { Histogram, type MetricObjectWithValues, type MetricValueWithName, type Registry } from 'prom-client';
import { NOTHING_SHARED } from './read-metric.js';
import type { Durations } from './series.js';

type Labels = Readonly<Record<string, string>>;

export interface DurationHistogramOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly registry: Registry;
  /** What there is at the moment. */
  readonly series: () => Iterable<readonly [Labels, Durations]>;
}

/**
 * A histogram that keeps nothing: it reads durations somebody else has counted when it is scraped. prom-client's own
 * looks its labels up with every observation.
 */
export class DurationHistogram extends Histogram<string> {
  readonly #options: DurationHistogramOptions;

  constructor(options: DurationHistogramOptions) {
    const { help, labelNames, name, registry } = options;
    super({ name, help, labelNames: [...labelNames], registers: [registry] });
    this.#options = options;
  }

  override get(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
    return this.getForPromString();
  }

  /** What the registry asks for; prom-client's types do not have it. */
  async getForPromString(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
    const { help, name, series } = this.#options;
    const values: MetricValueWithName<string>[] = [];
    for (const [labels, durations] of series()) values.push(...samples(name, labels, durations));
    return { name, help, type: 'histogram' as never, aggregator: 'sum', values, collect: () => {} };
  }
}

function samples(name: string, labels: Labels, { bounds, counts, sum }: Durations): MetricValueWithName<string>[] {
  let count = 0;
  const buckets = counts.map((inBucket, index) => {
    count += inBucket;
    return {
      metricName: `${name}_bucket`,
      labels: { le: bounds[index] ?? '+Inf', ...labels },
      value: count,
      ...NOTHING_SHARED,
    };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum, ...NOTHING_SHARED },
    { metricName: `${name}_count`, labels, value: count, ...NOTHING_SHARED },
  ];
}
