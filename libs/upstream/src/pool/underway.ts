/** Work nobody awaits now, so that whoever closes can wait for the last of it. */
export class Underway {
  #count = 0;
  /** Told when nothing is under way. */
  #waiting: (() => void)[] = [];

  add(work: Promise<void>): void {
    this.#count++;
    work.then(this.#ended, this.#ended);
  }

  /** Resolves when nothing is under way, what began meanwhile included. */
  async over(): Promise<void> {
    while (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  readonly #ended = (): void => {
    if (--this.#count > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const tell of waiting) tell();
  };
}
