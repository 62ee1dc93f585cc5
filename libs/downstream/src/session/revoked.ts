import { ChurnMap } from '#libs/kernel';

/** The ids of sessions that were ended, as many as there is room for: the ones ended first are forgotten first. */
export class Revoked {
  readonly #ids = new ChurnMap<string, true>();
  /** In the order they came; written over from the start once it is full. */
  readonly #order: string[] = [];
  #next = 0;

  constructor(private readonly room: number) {}

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    if (this.#ids.has(id)) return;
    const forgotten = this.#order[this.#next];
    if (forgotten !== undefined) this.#ids.delete(forgotten);
    this.#order[this.#next] = id;
    this.#next = (this.#next + 1) % this.room;
    this.#ids.set(id, true);
  }
}
