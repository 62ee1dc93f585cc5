import type { Spelling } from '#libs/kernel';
import { type ClientSession, type Endpoint, endpointPath, GatewayError, Lru, type Principal } from '#libs/kernel';
import type { SessionClaims } from './claims.js';
import { unpackCapabilities } from './client-capabilities.js';
import type { SessionSeal } from './seal.js';
import { checkSessionId } from './session-header.js';

const CACHED_TOKENS = 10_000;

export interface OpenedSession {
  /** The sealed id it came with. */
  readonly token: string;
  readonly session: ClientSession;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

interface Cached {
  readonly claims: SessionClaims;
  opened: OpenedSession | undefined;
}

/** Turns session ids into sessions. Decryption is cached by the exact id; who asks, and when, is checked every time. */
export class SessionOpener {
  readonly #cache = new Lru<string, Cached>(CACHED_TOKENS);

  constructor(
    private readonly seal: SessionSeal,
    private readonly spelling: (clientName: string) => Spelling,
    private readonly isRevoked: (sessionId: string) => boolean,
    private readonly isElsewhere: (claims: SessionClaims) => boolean,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * @throws GatewayError SESSION_NOT_FOUND, with one text for undecryptable, expired, deleted, another principal's and
   * another endpoint's ids; INVALID_REQUEST for one that no server can have issued
   */
  open(token: string, principal: Principal, endpoint: Endpoint): OpenedSession {
    const cached = this.#cache.get(token) ?? this.#decrypt(token);
    if (!cached) throw notFound();
    const { claims } = cached;
    const good =
      claims.principalKey === principal.key &&
      claims.endpoint === endpointPath(endpoint) &&
      claims.expiresAt * 1000 > this.now() &&
      !this.isRevoked(claims.id);
    if (!good) throw notFound();
    const known = cached.opened;
    // Scopes and the meaning of an endpoint's path may have changed since: both are today's, never the session's.
    if (known && known.session.principal === principal && sameEndpoint(known.session.endpoint, endpoint)) return known;
    cached.opened = { token, session: this.restore(claims, principal, endpoint), expiresAt: claims.expiresAt * 1000 };
    return cached.opened;
  }

  /** The session that claims stand for. */
  restore(claims: SessionClaims, principal: Principal, endpoint: Endpoint): ClientSession {
    return Object.freeze({
      id: claims.id,
      principal,
      endpoint,
      client: Object.freeze({
        era: 'legacy',
        version: claims.version,
        name: claims.clientName,
        clientVersion: claims.clientVersion,
        capabilities: unpackCapabilities(claims.capabilities),
      }),
      spelling: this.spelling(claims.clientName),
      elsewhere: this.isElsewhere(claims),
    });
  }

  /** A session that was made here needs no decrypting. */
  made(claims: SessionClaims, opened: OpenedSession): void {
    this.#cache.set(opened.token, { claims, opened });
  }

  /** A session that ended; should it come again, it has to be decrypted to be refused. */
  ended({ token }: OpenedSession): void {
    this.#cache.delete(token);
  }

  /** Spellings come from the configuration: opened sessions are made anew after it changed. */
  forget(): void {
    this.#cache.clear();
  }

  #decrypt(token: string): Cached | undefined {
    checkSessionId(token);
    const claims = this.seal.open(token);
    if (!claims) return undefined;
    const cached: Cached = { claims, opened: undefined };
    this.#cache.set(token, cached);
    return cached;
  }
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.kind === b.kind && endpointPath(a) === endpointPath(b);
}

function notFound(): GatewayError {
  return new GatewayError('SESSION_NOT_FOUND', 'Session not found; send initialize to start a new one');
}
