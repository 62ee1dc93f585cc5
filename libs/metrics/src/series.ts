/** Default of `metrics.max_series`: what lies beyond is counted as `other`, so that no upstream can fill the memory. */
export const MAX_SERIES = 5_000;
export const OTHER = 'other';

/** Counts of one tool. Plain numbers: the registry reads them when it is scraped, a call only adds. */
export interface ToolCounts {
  readonly proxy: string;
  readonly tool: string;
  called: number;
  success: number;
  error: number;
}

/** Durations by upper bound. Plain numbers too: `counts` has one more entry than there are bounds. */
export class Durations {
  readonly counts: number[];
  sum = 0;

  constructor(readonly bounds: readonly number[]) {
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  add(seconds: number): void {
    const { bounds } = this;
    let at = 0;
    while (at < bounds.length && seconds > (bounds[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sum += seconds;
  }
}

/** The two clocks of one upstream. */
export interface ServerClocks {
  readonly proxy: string;
  readonly success: Durations;
  readonly error: Durations;
}

/** Numbers by one label. */
export class BoundedCounts {
  readonly counts = new Map<string, number>();

  constructor(private readonly max = MAX_SERIES) {}

  add(label: string): void {
    const known = this.counts.get(label);
    if (known !== undefined) this.counts.set(label, known + 1);
    else if (this.counts.size < this.max - 1) this.counts.set(label, 1);
    else this.counts.set(OTHER, (this.counts.get(OTHER) ?? 0) + 1);
  }
}

/** Counts by upstream and tool, bounded in total. */
export class ToolSeries {
  readonly #overflow: ToolCounts = { proxy: OTHER, tool: OTHER, called: 0, success: 0, error: 0 };
  /** The overflow among them: whatever is really called so is counted with it. */
  readonly #servers = new Map([[OTHER, new Map([[OTHER, this.#overflow]])]]);
  #size = 1;

  constructor(private readonly max = MAX_SERIES) {}

  of(server: string, tool: string): ToolCounts {
    return this.#servers.get(server)?.get(tool) ?? this.#add(server, tool);
  }

  *all(): Iterable<ToolCounts> {
    for (const tools of this.#servers.values()) {
      for (const counts of tools.values()) if (counts.called > 0 || counts !== this.#overflow) yield counts;
    }
  }

  #add(proxy: string, tool: string): ToolCounts {
    if (this.#size >= this.max) return this.#overflow;
    const tools = this.#servers.get(proxy) ?? new Map<string, ToolCounts>();
    this.#servers.set(proxy, tools);
    const counts = { proxy, tool, called: 0, success: 0, error: 0 };
    tools.set(tool, counts);
    this.#size += 1;
    return counts;
  }
}
