/** Which limit a call ran into. */
export type ExpiredLimit = 'timeout' | 'max_total';

/**
 * What one call may take in all, over every hop, retry and wait. It stands still while a question to the call's client is
 * open. Sets no timer: whoever waits asks how much is left.
 */
export class Deadline {
  #end: number;
  #questions = 0;
  #pausedAt = 0;
  #asked = false;

  /** `spent`: milliseconds that were used up before. */
  constructor(
    readonly total: number,
    spent = 0,
  ) {
    this.#end = performance.now() + total - spent;
  }

  /** Milliseconds, negative once it is over. */
  left(now = performance.now()): number {
    return this.#end - (this.#questions > 0 ? this.#pausedAt : now);
  }

  /** The nearer of a limit on one wait and what is left. */
  nearer(timeout: number): { readonly limit: ExpiredLimit; readonly wait: number } {
    const left = this.left();
    return timeout <= left ? { limit: 'timeout', wait: timeout } : { limit: 'max_total', wait: Math.max(0, left) };
  }

  /** The client has been asked something: sent again, the call would ask it once more. */
  get asked(): boolean {
    return this.#asked;
  }

  questionOpened(): void {
    this.#asked = true;
    if (this.#questions++ === 0) this.#pausedAt = performance.now();
  }

  questionClosed(): void {
    if (--this.#questions === 0) this.#end += performance.now() - this.#pausedAt;
  }
}
