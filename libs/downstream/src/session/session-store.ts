import { type ClientSession, GatewayError, Lru } from '#libs/kernel';
import { SessionOverlay } from './overlay.js';
import type { OpenedSession } from './session-opener.js';

export interface SessionStoreSettings {
  /** Marks questions asked by this process. */
  readonly replicaId: string;
  /** Most overlays of one owner, read anew each time. */
  readonly perOwner: () => number;
  /** Told of every session whose overlay is gone. */
  readonly onClosed: (session: ClientSession) => void;
  readonly now?: () => number;
  /** Milliseconds after which an unused overlay is dropped, read anew each time. */
  readonly idleAfter: () => number;
  /** Most overlays of all owners, read anew each time. */
  readonly total: () => number;
}

const REVOKED = 100_000;

/**
 * The overlays of this process, bounded in time and number. Dropping one does not end its session: the next request
 * with the sealed id makes a fresh one. Only `revoke` ends a session for good.
 */
export class SessionStore {
  // Both kinds of maps are kept in order of last use, oldest first.
  readonly #overlays = new Map<string, SessionOverlay>();
  readonly #owners = new Map<string, Map<string, SessionOverlay>>();
  readonly #revoked = new Lru<string, number>(REVOKED);
  readonly #now: () => number;

  constructor(private readonly settings: SessionStoreSettings) {
    this.#now = settings.now ?? Date.now;
  }

  get size(): number {
    return this.#overlays.size;
  }

  get running(): number {
    let count = 0;
    for (const overlay of this.#overlays.values()) count += overlay.running.size;
    return count;
  }

  /**
   * The session's overlay, made when there is none. Over a bound the oldest idle overlay makes room.
   * @throws GatewayError SESSION_LIMIT when every other overlay is busy
   */
  touch({ session, expiresAt }: OpenedSession, owner: string): SessionOverlay {
    let overlay = this.#overlays.get(session.id);
    if (overlay) {
      this.#unlink(overlay);
      overlay.session = session;
    } else {
      this.#makeRoom(owner);
      overlay = new SessionOverlay(session, owner, expiresAt, this.settings.replicaId);
    }
    overlay.lastUsed = this.#now();
    this.#link(overlay);
    return overlay;
  }

  isRevoked = (sessionId: string): boolean => this.#revoked.get(sessionId) !== undefined;

  /** Ends a session: its id is refused from now on, what it has open ends. */
  revoke({ session, expiresAt }: OpenedSession): void {
    this.#revoked.set(session.id, expiresAt);
    const overlay = this.#overlays.get(session.id);
    if (overlay) {
      this.#unlink(overlay);
      overlay.end(new GatewayError('SESSION_NOT_FOUND', 'The client ended this session'));
    }
    this.settings.onClosed(session);
  }

  /** Drops overlays that were idle for long, and whatever belongs to sessions past their end. */
  sweep(): void {
    const now = this.#now();
    for (const overlay of [...this.#overlays.values()]) {
      if (overlay.expiresAt <= now) {
        overlay.end(new GatewayError('SESSION_NOT_FOUND', 'The session expired; send initialize to start a new one'));
        this.#drop(overlay);
      } else if (overlay.idle && overlay.lastUsed + this.settings.idleAfter() <= now) {
        this.#drop(overlay);
      }
    }
  }

  /** Aborts every running request. */
  abortAll(reason: GatewayError): void {
    for (const overlay of this.#overlays.values()) {
      for (const request of [...overlay.running.values()]) request.abort(reason);
    }
  }

  #makeRoom(owner: string): void {
    const own = this.#owners.get(owner);
    if (own && own.size >= this.settings.perOwner()) this.#evict(own, 'server.limits.sessions_per_principal');
    if (this.#overlays.size >= this.settings.total()) this.#evict(this.#overlays, 'server.limits.sessions');
  }

  #evict(overlays: Map<string, SessionOverlay>, key: string): void {
    for (const overlay of overlays.values()) {
      if (!overlay.idle) continue;
      this.#drop(overlay);
      return;
    }
    throw new GatewayError('SESSION_LIMIT', `${overlays.size} sessions are busy, as many as ${key} allows`, {
      data: { limit: overlays.size, key, retryAfter: 5 },
    });
  }

  #drop(overlay: SessionOverlay): void {
    this.#unlink(overlay);
    this.settings.onClosed(overlay.session);
  }

  #link(overlay: SessionOverlay): void {
    this.#overlays.set(overlay.session.id, overlay);
    let own = this.#owners.get(overlay.owner);
    if (!own) {
      own = new Map();
      this.#owners.set(overlay.owner, own);
    }
    own.set(overlay.session.id, overlay);
  }

  #unlink(overlay: SessionOverlay): void {
    this.#overlays.delete(overlay.session.id);
    const own = this.#owners.get(overlay.owner);
    own?.delete(overlay.session.id);
    if (own?.size === 0) this.#owners.delete(overlay.owner);
  }
}
