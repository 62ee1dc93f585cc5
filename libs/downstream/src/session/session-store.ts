import { ChurnMap, type ClientSession, GatewayError, type Place, Recency } from '#libs/kernel';
import { SessionOverlay } from './overlay.js';
import { Revoked } from './revoked.js';
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

/** An overlay, and its places among all and among its owner's in order of use. */
interface Held {
  readonly overlay: SessionOverlay;
  readonly owner: Owner;
  readonly among: { all: Place<Held>; own: Place<Held> };
}

interface Owner {
  readonly name: string;
  readonly held: Recency<Held>;
}

/**
 * The overlays of this process, bounded in time and number. Dropping one does not end its session: the next request
 * with the sealed id makes a fresh one. Only `revoke` ends a session for good.
 */
export class SessionStore {
  readonly #held = new ChurnMap<string, Held>();
  readonly #order = new Recency<Held>();
  readonly #owners = new ChurnMap<string, Owner>();
  readonly #revoked = new Revoked(REVOKED);
  readonly #now: () => number;

  constructor(private readonly settings: SessionStoreSettings) {
    this.#now = settings.now ?? Date.now;
  }

  get size(): number {
    return this.#held.size;
  }

  get running(): number {
    let count = 0;
    for (const { overlay } of this.#order) count += overlay.running.size;
    return count;
  }

  /**
   * The session's overlay, made when there is none. Over a bound the oldest idle overlay makes room.
   * @throws GatewayError SESSION_LIMIT when every other overlay is busy
   */
  touch({ session, expiresAt }: OpenedSession, owner: string): SessionOverlay {
    let held = this.#held.get(session.id);
    if (held && held.owner.name !== owner) {
      this.#unlink(held);
      held = this.#link(held.overlay, owner);
    } else if (!held) {
      this.#makeRoom(owner);
      held = this.#link(new SessionOverlay(session, expiresAt, this.settings.replicaId), owner);
    } else {
      this.#order.use(held.among.all);
      held.owner.held.use(held.among.own);
    }
    const { overlay } = held;
    overlay.session = session;
    overlay.lastUsed = this.#now();
    return overlay;
  }

  isRevoked = (sessionId: string): boolean => this.#revoked.has(sessionId);

  /** Ends a session: its id is refused from now on, what it has open ends. */
  revoke({ session }: OpenedSession): void {
    this.#revoked.add(session.id);
    const held = this.#held.get(session.id);
    if (held) {
      this.#unlink(held);
      held.overlay.end('The client ended this session');
    }
    this.settings.onClosed(session);
  }

  /** Drops overlays that were idle for long, and whatever belongs to sessions past their end. */
  sweep(): void {
    const now = this.#now();
    for (const held of this.#order) {
      const { overlay } = held;
      if (overlay.expiresAt <= now) {
        overlay.end('The session expired; send initialize to start a new one');
        this.#drop(held);
      } else if (overlay.idle && overlay.lastUsed + this.settings.idleAfter() <= now) {
        this.#drop(held);
      }
    }
  }

  /** Aborts every running request. */
  abortAll(reason: GatewayError): void {
    for (const { overlay } of this.#order) {
      for (const request of overlay.running.values()) request.abort(reason);
    }
  }

  #makeRoom(owner: string): void {
    const own = this.#owners.get(owner)?.held;
    if (own && own.size >= this.settings.perOwner()) this.#evict(own, 'server.limits.sessions_per_principal');
    if (this.#order.size >= this.settings.total()) this.#evict(this.#order, 'server.limits.sessions');
  }

  #evict(from: Recency<Held>, key: string): void {
    for (const held of from) {
      if (!held.overlay.idle) continue;
      this.#drop(held);
      return;
    }
    throw new GatewayError('SESSION_LIMIT', `${from.size} sessions are busy, as many as ${key} allows`, {
      data: { limit: from.size, key, retryAfter: 5 },
    });
  }

  #drop(held: Held): void {
    this.#unlink(held);
    this.settings.onClosed(held.overlay.session);
  }

  #link(overlay: SessionOverlay, name: string): Held {
    let owner = this.#owners.get(name);
    if (!owner) {
      owner = { name, held: new Recency() };
      this.#owners.set(name, owner);
    }
    const held = { overlay, owner } as { -readonly [key in keyof Held]: Held[key] };
    held.among = { all: this.#order.add(held), own: owner.held.add(held) };
    this.#held.set(overlay.session.id, held);
    return held;
  }

  #unlink({ overlay, owner, among }: Held): void {
    this.#held.delete(overlay.session.id);
    this.#order.remove(among.all);
    owner.held.remove(among.own);
    if (owner.held.size === 0) this.#owners.delete(owner.name);
  }
}
