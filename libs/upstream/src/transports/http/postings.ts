import { type GatewayError, Roster, within } from '#libs/kernel';
import type { Posting } from './posting.js';

/** What the last messages get to be taken, in milliseconds: a cancellation, the answer to a question nobody will answer. */
const LAST_MESSAGES = 2_000;

/** The messages of one connection that the server has not taken yet. */
export class Postings {
  readonly #open = new Roster<Posting>();

  get size(): number {
    return this.#open.size;
  }

  add(posting: Posting): void {
    this.#open.add(posting);
    const over = () => this.#open.remove(posting);
    posting.done.then(over, over);
  }

  /** Resolves when the server took what was told it, or had its time; nothing is on its way then. */
  async flush(ended: () => GatewayError): Promise<void> {
    if (this.#open.size === 0) return;
    const error = ended();
    for (const posting of this.#open.all()) if (posting.request) posting.cancel(error);
    if (this.#open.size > 0) await within(LAST_MESSAGES, Promise.allSettled(this.#open.all().map(({ done }) => done)));
    this.cancel(error);
  }

  cancel(error: GatewayError): void {
    for (const posting of this.#open.all()) posting.cancel(error);
  }
}
