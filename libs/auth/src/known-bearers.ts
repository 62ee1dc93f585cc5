import type { Bearer } from '#libs/plugin';

/**
 * Characters of a header by which it is found: the end of a signature, which tells tokens apart best. So few are a string of
 * their own to V8; more would be a part of the header, which is compared letter by letter.
 */
const TAIL = 12;
/** Characters kept, at most. At this bound all are forgotten: reading one anew is cheap. */
const MAX_CHARACTERS = 8 * 1024 * 1024;
/** What an entry takes besides. */
const ENTRY = 256;

/**
 * Tokens that were let in lately, with the digest that was made of each, so that neither their form nor their digest is found
 * out again for every request. Found by the end of the header and compared as a whole. Whether one is still good is not
 * said here: its provider is asked each time.
 */
export class KnownBearers {
  readonly #known = new Map<string, Known>();
  #characters = 0;

  /** The token of this very header. */
  get(authorization: string): Bearer | undefined {
    const known = this.#known.get(authorization.slice(-TAIL));
    return known !== undefined && known.authorization === authorization ? known.bearer : undefined;
  }

  keep(authorization: string, bearer: Bearer): void {
    // Two with the same end take turns.
    this.forget(authorization);
    const size = authorization.length + ENTRY;
    if (this.#characters + size > MAX_CHARACTERS) {
      this.#known.clear();
      this.#characters = 0;
    }
    this.#known.set(authorization.slice(-TAIL), { authorization, bearer });
    this.#characters += size;
  }

  /** It was not let in this time. */
  forget(authorization: string): void {
    const tail = authorization.slice(-TAIL);
    const known = this.#known.get(tail);
    if (!known) return;
    this.#known.delete(tail);
    this.#characters -= known.authorization.length + ENTRY;
  }
}

interface Known {
  readonly authorization: string;
  readonly bearer: Bearer;
}
