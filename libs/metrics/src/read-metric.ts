import { Counter, Gauge, type MetricObjectWithValues, type MetricValue, type Registry } from 'prom-client';

type Labels = Readonly<Record<string, string>>;

/** Takes one value under its labels. Each set of labels comes once. */
export type Put = (value: number, labels?: Labels) => void;

export interface ReadMetricOptions {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly registry: Registry;
  /** Puts what there is at the moment. */
  readonly read: (put: Put) => void;
}

const NO_LABELS: Labels = {};

/**
 * Labels that a metric's samples have in common, as prom-client looks for them in each. Where a sample has none it makes an
 * object, and remembers in a WeakMap that nothing is in it: one more for every line of every scrape.
 */
export const NOTHING_SHARED = { sharedLabels: NO_LABELS };

/**
 * Defines a counter or gauge that keeps nothing: its values are read from where they are counted when it is scraped.
 * prom-client's own would find each by a text made of all its labels, which takes longer than everything else of a scrape.
 */
export function defineRead({ kind, name, help, labelNames, registry, read }: ReadMetricOptions): void {
  const settings = { name, help, labelNames: [...labelNames], registers: [registry] };
  const metric = kind === 'counter' ? new Counter(settings) : new Gauge(settings);
  metric.get = async (): Promise<MetricObjectWithValues<MetricValue<string>>> => {
    const values: MetricValue<string>[] = [];
    read((value, labels = NO_LABELS) => values.push({ value, labels, ...NOTHING_SHARED }));
    // The enumeration of prom-client's types is not there at run time.
    return { name, help, type: kind as never, aggregator: 'sum', values, collect: () => {} };
  };
}
