import type { UpstreamSession } from '../session/upstream-session.js';
import type { SessionSpec } from './session-spec.js';

/** Sessions that may stand in for each other, and what clients have asked of them. */
export class SessionGroup {
  readonly slots: Slot[] = [];
  /** Sessions being opened. */
  opening = 0;
  /** Calls waiting for a session of this group. */
  waiting = 0;
  /** Those of them that want a session to themselves. */
  waitingSolo = 0;
  /** Client sessions served here since the group came to be. */
  readonly clients = new Set<string>();
  /** Resource subscriptions: URI to client sessions. They live on the first session of the group. */
  readonly subscriptions = new Map<string, Set<string>>();

  #spec: SessionSpec;

  constructor(spec: SessionSpec) {
    this.#spec = spec;
  }

  get spec(): SessionSpec {
    return this.#spec;
  }

  /** The same caller again, perhaps with a younger credential: sessions opened from now on use that one. */
  renew(spec: SessionSpec): void {
    if (spec.personal && spec.key === this.#spec.key) this.#spec = spec;
  }

  /** Made for one exchange, which needs it no more. */
  get disposable(): boolean {
    return this.spec.ephemeral && this.subscriptions.size === 0;
  }

  get empty(): boolean {
    return this.slots.length === 0 && this.opening === 0 && this.waiting === 0 && this.subscriptions.size === 0;
  }
}

/** One live upstream session in the pool. */
export class Slot {
  /** Calls running on it, and those of them that want to be alone. */
  running = 0;
  solo = 0;
  /** Milliseconds, monotonic. */
  readonly opened = performance.now();
  lastUsed = this.opened;
  /** Takes no new calls; closed when the last one ends. */
  retiring = false;
  /** Calls in a row that timed out without a word on the session. */
  silences = 0;
  /** Its connection broke under a call. */
  broken = false;
  idleTimer: NodeJS.Timeout | undefined;
  /** URIs the upstream was asked to watch on this session. */
  readonly subscribed = new Set<string>();
  /** Log level last sent on it. */
  level: string | undefined;

  constructor(
    readonly group: SessionGroup,
    readonly session: UpstreamSession,
  ) {}

  get usable(): boolean {
    return !this.retiring && !this.session.lost;
  }
}
