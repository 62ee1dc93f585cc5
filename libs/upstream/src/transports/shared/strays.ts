import type { Log } from '#libs/kernel';
import { excerpt } from './text.js';

/** How many are shown in the log; all are counted. */
const SHOWN = 5;

/** What arrived on a stream of messages and is none: a log line on stdout, a broken proxy's page. */
export class Strays {
  readonly #who: string;
  readonly #log: Log;
  #count = 0;

  constructor(who: string, log: Log) {
    this.#who = who;
    this.#log = log;
  }

  add(bytes: Buffer): void {
    this.#count += 1;
    if (this.#count > SHOWN) return;
    const more = this.#count === SHOWN ? '; more of these will only be counted' : '';
    this.#log.warn(
      { bytes: bytes.length, count: this.#count, text: excerpt(bytes) },
      `${this.#who} sent something that is not a JSON-RPC message; it was ignored${more}`,
    );
  }
}
