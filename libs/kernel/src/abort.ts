import type { GatewayError } from './errors.js';

type Listener = (reason: GatewayError) => void;

/**
 * The one form of cancellation: lighter than an AbortController, which is made only for those who ask for a signal.
 * Listeners run once, synchronously, in the order they were added; one added after the abort runs at once. One that
 * throws is reported and never stops the others.
 */
export class AbortSource {
  #reason: GatewayError | undefined;
  #listeners: Set<{ readonly run: Listener }> | undefined;
  #controller: AbortController | undefined;

  constructor(private readonly onListenerError: (thrown: unknown) => void = () => {}) {}

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
    this.#listeners ??= new Set();
    const listeners = this.#listeners;
    const entry = { run: listener };
    listeners.add(entry);
    return () => listeners.delete(entry);
  }

  abort(reason: GatewayError): void {
    if (this.#reason) return;
    this.#reason = reason;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) this.#run(listener.run, reason);
    this.#controller?.abort(reason);
  }

  #run(listener: Listener, reason: GatewayError): void {
    try {
      listener(reason);
    } catch (thrown) {
      this.onListenerError(thrown);
    }
  }
}
