/** Work nobody awaits now, so that whoever closes can wait for the last of it. */
export class Underway {
  readonly #work = new Set<Promise<void>>();

  add(work: Promise<void>): void {
    const tracked = work.catch(() => {}).finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  /** Resolves when nothing is under way, what began meanwhile included. */
  async over(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }
}
