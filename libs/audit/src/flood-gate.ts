/** Milliseconds over which refusals are counted. */
const WINDOW = 10_000;
/** Refusals that one source gets recorded in a window. */
const PER_SOURCE = 100;
/** Refusals that are recorded in a window altogether. */
const IN_ALL = 1_000;
/** Sources that are told apart; refusals of further ones are counted together. */
const MAX_SOURCES = 256;

/** Told at the end of a window; without a source: of many. */
export type OnOmitted = (source: string | undefined, omitted: number) => void;

/**
 * Keeps a flood of refusals from filling the disk: so many per source and window are recorded, the rest is counted, and
 * the count is told when the window ends.
 */
export class FloodGate {
  readonly #sources = new Map<string, { seen: number; omitted: number }>();
  readonly #crowd = { seen: 0, omitted: 0 };
  #recorded = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly onOmitted: OnOmitted) {}

  /** Whether this refusal is to be recorded. */
  admits(source: string): boolean {
    this.#timer ??= setTimeout(() => this.close(), WINDOW).unref();
    const counts = this.#countsOf(source);
    counts.seen += 1;
    if (counts.seen <= PER_SOURCE && this.#recorded < IN_ALL) {
      this.#recorded += 1;
      return true;
    }
    counts.omitted += 1;
    return false;
  }

  /** Ends the window now. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#recorded = 0;
    const ended = [...this.#sources];
    this.#sources.clear();
    for (const [source, { omitted }] of ended) if (omitted > 0) this.onOmitted(source, omitted);
    if (this.#crowd.omitted > 0) this.onOmitted(undefined, this.#crowd.omitted);
    this.#crowd.seen = 0;
    this.#crowd.omitted = 0;
  }

  #countsOf(source: string): { seen: number; omitted: number } {
    const known = this.#sources.get(source);
    if (known) return known;
    if (this.#sources.size >= MAX_SOURCES) return this.#crowd;
    const counts = { seen: 0, omitted: 0 };
    this.#sources.set(source, counts);
    return counts;
  }
}
