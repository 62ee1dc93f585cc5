import { ChurnMap } from '#libs/kernel';
import type { ListKind } from '#libs/mcp';

/** What the proxy remembers of one legacy session besides its sealed id. */
export interface SessionState {
  logLevel?: string;
  /** Fingerprint of each list as the client last saw it: only a list it would see differently is announced. */
  readonly seen: Partial<Record<ListKind, string>>;
  /** Subscribed resources: `server uri` -> the URI as this client spells it. */
  readonly subscriptions: ChurnMap<string, string>;
}

/** One entry per live session; the front door bounds sessions and closes each of them here. */
export class SessionStates {
  readonly #states = new ChurnMap<string, SessionState>();

  of(sessionId: string): SessionState {
    let state = this.#states.get(sessionId);
    if (!state) {
      state = { seen: {}, subscriptions: new ChurnMap() };
      this.#states.set(sessionId, state);
    }
    return state;
  }

  find(sessionId: string): SessionState | undefined {
    return this.#states.get(sessionId);
  }

  close(sessionId: string): void {
    this.#states.delete(sessionId);
  }

  get size(): number {
    return this.#states.size;
  }
}

export function subscriptionKey(server: string, uri: string): string {
  return `${server} ${uri}`;
}
