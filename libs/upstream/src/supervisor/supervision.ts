import type { Listing } from '#libs/mcp';
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
  | 'hold'
  | 'rest'
  | 'wake'
>;

/** Nobody watches: there is no session to ask by, nothing is listed, and nothing that happens to sessions says anything. */
export abstract class Unwatched implements Supervision {
  readonly settled = Promise.resolve();
  readonly listing: Listing | undefined = undefined;
  abstract readonly health: Health;
  abstract readonly serving: boolean;

  start(): void {}

  async stop(): Promise<void> {}

  abstract hold(...failure: Parameters<Supervision['hold']>): boolean;

  async awaitFirst(): Promise<void> {}

  listChanged(): void {}

  sessionLost(): void {}

  check(): void {}

  rest(): void {}

  wake(): void {}
}
