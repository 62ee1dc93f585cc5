/** Runs one task per key at a time; whoever asks meanwhile shares its result or its error. Nothing is kept afterwards. */
export class SingleFlight<T> {
  readonly #running = new Map<string, Promise<T>>();

  run(key: string, task: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running) return running;
    const started = attempt(task).finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }
}

/** A task that throws before its first await rejects like any other. */
async function attempt<T>(task: () => Promise<T>): Promise<T> {
  return task();
}
