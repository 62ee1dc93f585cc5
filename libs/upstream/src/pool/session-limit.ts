import { isService } from './session-spec.js';
import type { SessionGroup } from './slot.js';

/** Bound for sessions that cost the upstream a record, not a process or a stream of its own. */
const MAX_LIGHT_SESSIONS = 10_000;

/** Counts the sessions of one upstream against their bound, the service session not counted. */
export class SessionLimit {
  /** As the latest session has it: `connection` where each takes a child or a stream. */
  attribution: 'request' | 'connection' = 'connection';
  /** Open or being opened. */
  #count = 0;
  /** Of which a child or stream is still left. */
  #closing = 0;

  /** `children`: most children or streams. */
  constructor(private readonly children: number) {}

  get closing(): number {
    return this.#closing;
  }

  get hasRoom(): boolean {
    const limit = this.attribution === 'connection' ? this.children : MAX_LIGHT_SESSIONS;
    return this.#count + this.#closing < limit;
  }

  tally({ spec }: SessionGroup, by: 1 | -1): void {
    if (!isService(spec)) this.#count += by;
  }

  /** One is being closed. Returns whether it counts until `closed`. */
  closes({ spec }: SessionGroup): boolean {
    const counts = !isService(spec) && this.attribution === 'connection';
    if (counts) this.#closing++;
    return counts;
  }

  closed(): void {
    this.#closing--;
  }
}
