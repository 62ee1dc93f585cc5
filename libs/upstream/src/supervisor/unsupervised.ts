import type { Health, Supervisor } from './supervisor.js';

/** What the rest of an upstream needs of whoever watches over it. */
export type Supervision = Pick<
  Supervisor,
  | 'settled'
  | 'health'
  | 'listing'
  | 'serving'
  | 'start'
  | 'stop'
  | 'awaitFirst'
  | 'listChanged'
  | 'sessionLost'
  | 'check'
>;

/**
 * Nobody watches over an upstream for which the gateway has no credential of its own: there is no session to ask by. It
 * counts as ready, and what becomes of one caller's session says nothing of another's.
 */
export class Unsupervised implements Supervision {
  readonly settled = Promise.resolve();
  readonly listing = undefined;
  readonly serving = true;
  readonly health: Health = {
    state: 'ready',
    reason: 'not watched: auth gives the gateway no credential of its own, each caller is listed what is its alone',
    since: Date.now(),
    nextRetry: undefined,
    cause: undefined,
  };
  readonly #started: () => void;

  constructor(started: () => void) {
    this.#started = started;
  }

  start(): void {
    this.#started();
  }

  async stop(): Promise<void> {}

  async awaitFirst(): Promise<void> {}

  listChanged(): void {}

  sessionLost(): void {}

  check(): void {}
}
