import type { GatewayError } from './errors.js';

type Listener = (reason: GatewayError) => void;

const ignore = () => {};

interface Entry {
  /** Undefined once it was taken away. */
  run: Listener | undefined;
}

/**
 * The one form of cancellation: lighter than an AbortController, which is made only for those who ask for a signal.
 * Listeners run once, synchronously, in the order they were added; one added after the abort runs at once. One that
 * throws is reported and never stops the others.
 */
export class AbortSource {
  #reason: GatewayError | undefined;
  /** Few and short-lived: a call in flight has one or two. */
  #listeners: Entry[] | undefined;
  #controller: AbortController | undefined;

  constructor(private readonly onListenerError: (thrown: unknown) => void = ignore) {}

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): GatewayError | undefined {
    return this.#reason;
  }

  /** An AbortSignal, made on first use. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Returns the function that takes the listener away again. */
  onAbort(listener: Listener): () => void {
    if (this.#reason) {
      this.#run(listener, this.#reason);
      return () => {};
    }
    const entry: Entry = { run: listener };
    if (this.#listeners) this.#listeners.push(entry);
    else this.#listeners = [entry];
    return () => this.#forget(entry);
  }

  abort(reason: GatewayError): void {
    if (this.#reason) return;
    this.#reason = reason;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const { run } of listeners ?? []) if (run) this.#run(run, reason);
    this.#controller?.abort(reason);
  }

  #forget(entry: Entry): void {
    entry.run = undefined;
    const index = this.#listeners?.indexOf(entry) ?? -1;
    if (index >= 0) this.#listeners?.splice(index, 1);
  }

  #run(listener: Listener, reason: GatewayError): void {
    try {
      listener(reason);
    } catch (thrown) {
      this.onListenerError(thrown);
    }
  }
}
