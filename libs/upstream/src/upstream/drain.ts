/** Counts what is running and waits, for a bounded time, until nothing is. */
export class Drain {
  #running = 0;
  #deadline = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #done: (() => void) | undefined;

  enter(): void {
    this.#running++;
  }

  leave(): void {
    this.#running--;
    if (this.#running === 0) this.#done?.();
  }

  /** Resolves when nothing runs any more, or after `grace` milliseconds. */
  async wait(grace: number): Promise<void> {
    this.#deadline = Math.min(this.#deadline, performance.now() + grace);
    if (this.#running === 0 || this.#deadline <= performance.now()) return;
    await new Promise<void>((resolve) => {
      this.#done = resolve;
      this.#plan(resolve);
    });
    clearTimeout(this.#timer);
  }

  /** Shortens the time of a wait under way or to come. */
  hurry(grace: number): void {
    this.#deadline = Math.min(this.#deadline, performance.now() + grace);
    if (this.#done) this.#plan(this.#done);
  }

  #plan(done: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(done, Math.max(0, this.#deadline - performance.now()));
  }
}
