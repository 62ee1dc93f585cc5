/**
 * The current value of one section of the configuration. Configuration changes at run time, so nobody keeps a section:
 * inject the section's ref, read `.current`, and listen where work has to follow a change.
 */
export class ConfigRef<T> {
  #current: T;
  readonly #listeners = new Set<(next: T, previous: T) => void>();

  constructor(initial: T) {
    this.#current = initial;
  }

  get current(): T {
    return this.#current;
  }

  /** Called after `current` changed. Returns the function that stops it. */
  onChange(listener: (next: T, previous: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Only the configuration's owner calls this. */
  replace(next: T): void {
    const previous = this.#current;
    if (next === previous) return;
    this.#current = next;
    for (const listener of this.#listeners) listener(next, previous);
  }
}
