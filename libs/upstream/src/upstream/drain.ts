/** Counts what is running and waits, for a bounded time, until nothing is. */
export class Drain {
  #running = 0;
  #deadline = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  readonly #waiting = new Set<() => void>();

  get running(): number {
    return this.#running;
  }

  enter(): void {
    this.#running++;
  }

  leave(): void {
    this.#running--;
    if (this.#running === 0) this.#end();
  }

  /** Resolves when nothing runs any more, or after `grace` milliseconds. */
  async wait(grace: number): Promise<void> {
    if (this.#running === 0) return;
    const over = new Promise<void>((resolve) => this.#waiting.add(resolve));
    this.hurry(grace);
    await over;
  }

  /** Shortens the time of a wait under way or to come. */
  hurry(grace: number): void {
    this.#deadline = Math.min(this.#deadline, performance.now() + grace);
    clearTimeout(this.#timer);
    if (this.#waiting.size === 0) return;
    this.#timer = setTimeout(() => this.#end(), Math.max(0, this.#deadline - performance.now()));
  }

  #end(): void {
    clearTimeout(this.#timer);
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
