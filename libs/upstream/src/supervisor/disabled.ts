import type { Health } from './supervisor.js';
import type { Supervision } from './unsupervised.js';

/** Nobody is ever sent to an upstream that the configuration switches off, and nobody looks how it is. */
export class Disabled implements Supervision {
  readonly settled = Promise.resolve();
  readonly listing = undefined;
  readonly serving = false;
  readonly health: Health = {
    state: 'disabled',
    reason: 'enabled: false in the configuration',
    since: Date.now(),
    nextRetry: undefined,
    cause: undefined,
  };

  start(): void {}

  async stop(): Promise<void> {}

  hold(): boolean {
    return false;
  }

  async awaitFirst(): Promise<void> {}

  listChanged(): void {}

  sessionLost(): void {}

  check(): void {}

  rest(): void {}

  wake(): void {}
}
