import { Lru } from '#libs/kernel';

const MAX_PRINCIPALS = 500;
const MAX_CHARS_PER_PRINCIPAL = 64 * 1024;

/**
 * URIs callers got in results: what they may pass back in arguments without it being listed. Bounded per caller, so
 * that one who collects many does not make another's forgotten.
 */
export class HandedOut {
  readonly #principals = new Lru<string, Lru<string, number>>(MAX_PRINCIPALS);

  note(principalKey: string, server: string, uri: string): void {
    let known = this.#principals.get(principalKey);
    if (!known) {
      known = new Lru<string, number>(MAX_CHARS_PER_PRINCIPAL, (chars) => chars);
      this.#principals.set(principalKey, known);
    }
    const key = `${server} ${uri}`;
    known.set(key, key.length);
  }

  has(principalKey: string, server: string, uri: string): boolean {
    return this.#principals.get(principalKey)?.get(`${server} ${uri}`) !== undefined;
  }
}
