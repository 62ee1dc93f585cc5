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

  /** Called after `current` changed, when every section has its new value. Returns the function that stops it. */
  onChange(listener: (next: T, previous: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Only the configuration's owner calls this. */
  replace(next: T): void {
    this.swap(next)();
  }

  /**
   * Only the configuration's owner calls this: changes the value now and returns the function that tells the listeners,
   * so that several refs can change together. A listener that throws is reported and does not stop the others.
   */
  swap(next: T): (onListenerError?: (thrown: unknown) => void) => void {
    const previous = this.#current;
    this.#current = next;
    return (onListenerError) => {
      if (next === previous) return;
      let failed: { thrown: unknown } | undefined;
      for (const listener of [...this.#listeners]) {
        try {
          listener(next, previous);
        } catch (thrown) {
          if (onListenerError) onListenerError(thrown);
          else failed ??= { thrown };
        }
      }
      if (failed) throw failed.thrown;
    };
  }
}
