import { type GatewayError, within } from '#libs/kernel';
import type { HttpSession } from './http-session.js';
import { Posting, type PostingOptions, type PostingOwner } from './posting.js';

/** What the last messages get to be taken, in milliseconds: a cancellation, the answer to a question nobody will answer. */
const LAST_MESSAGES = 2_000;

const NONE: readonly Posting[] = [];

/** The messages of one connection that the server has not taken yet: at most times none, and hardly ever many. */
export class Postings implements PostingOwner {
  #open: readonly Posting[] = NONE;

  get size(): number {
    return this.#open.length;
  }

  /** Sends a message. */
  post(session: HttpSession, message: Buffer, options: PostingOptions = {}): Posting {
    const posting = new Posting(session, this, message, options);
    this.#open = this.#open === NONE ? [posting] : this.#open.concat(posting);
    posting.start(message, options);
    return posting;
  }

  settled(posting: Posting): void {
    this.#open =
      this.#open.length === 1 && this.#open[0] === posting ? NONE : this.#open.filter((other) => other !== posting);
  }

  /** Resolves when the server took what was told it, or had its time; nothing is on its way then. */
  async flush(ended: () => GatewayError): Promise<void> {
    if (this.size === 0) return;
    const error = ended();
    for (const posting of this.#open) if (posting.request) posting.cancel(error);
    if (this.size > 0) await within(LAST_MESSAGES, Promise.allSettled(this.#open.map(({ done }) => done)));
    this.cancel(error);
  }

  cancel(error: GatewayError): void {
    for (const posting of this.#open) posting.cancel(error);
  }
}
