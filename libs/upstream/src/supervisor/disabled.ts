import { Unwatched } from './supervision.js';
import type { Health } from './supervisor.js';

/** Nobody is ever sent to an upstream that the configuration switches off, and nobody looks how it is. */
export class Disabled extends Unwatched {
  readonly serving = false;
  readonly health: Health = {
    state: 'disabled',
    reason: 'enabled: false in the configuration',
    since: Date.now(),
    nextRetry: undefined,
    cause: undefined,
  };

  hold(): boolean {
    return false;
  }
}
