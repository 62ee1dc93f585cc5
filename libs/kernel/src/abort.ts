import type { GatewayError } from './errors.js';

/**
 * The one form of cancellation: lighter than an AbortController, which is made only for those who ask for a signal.
 * Listeners run once, synchronously, in the order they were added; one added after the abort runs at once.
 */
export class AbortSource {
  #reason: GatewayError | undefined;
  #listeners: Set<(reason: GatewayError) => void> | undefined;
  #controller: AbortController | undefined;

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
  onAbort(listener: (reason: GatewayError) => void): () => void {
    if (this.#reason) {
      listener(this.#reason);
      return () => {};
    }
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => this.#listeners?.delete(listener);
  }

  abort(reason: GatewayError): void {
    if (this.#reason) return;
    this.#reason = reason;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener(reason);
    this.#controller?.abort(reason);
  }
}
