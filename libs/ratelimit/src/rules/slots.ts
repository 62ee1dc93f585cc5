/** How many calls run, by key. Only keys with a running call are remembered. */
export class Slots {
  readonly #running = new Map<string, number>();

  /** Keys with a running call. */
  get size(): number {
    return this.#running.size;
  }

  /** False when `most` run already. */
  take(key: string, most: number): boolean {
    const running = this.#running.get(key) ?? 0;
    if (running >= most) return false;
    this.#running.set(key, running + 1);
    return true;
  }

  release(key: string): void {
    const left = (this.#running.get(key) ?? 1) - 1;
    if (left > 0) this.#running.set(key, left);
    else this.#running.delete(key);
  }
}
