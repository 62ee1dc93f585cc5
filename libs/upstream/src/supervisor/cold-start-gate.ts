/**
 * Lets a few upstreams start at a time, so that a hundred children do not fight for the processor. A start that takes
 * long gives its place away: an upstream that hangs must not hold up the others.
 */
export class ColdStartGate {
  readonly #queue: (() => void)[] = [];
  #inside = 0;

  constructor(
    readonly width: number = 4,
    readonly patience: number = 2_000,
  ) {}

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.width) await new Promise<void>((enter) => this.#queue.push(enter));
    else this.#inside++;
    let left = false;
    const leave = () => {
      if (left) return;
      left = true;
      const next = this.#queue.shift();
      if (next) next();
      else this.#inside--;
    };
    const timer = setTimeout(leave, this.patience);
    try {
      return await task();
    } finally {
      clearTimeout(timer);
      leave();
    }
  }
}
