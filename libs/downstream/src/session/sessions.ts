import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { ProxyConfigRef, ServerConfigRef } from '#libs/config';
import type { ClientSession } from '#libs/kernel';
import { GatewayLog } from '#libs/plugin';
import { McpProxy } from '#libs/proxy';
import type { Inbound } from '../front.js';
import { FrontPolicy } from '../http/front-policy.js';
import { cutOff } from '../shutting-down.js';
import type { SessionClaims } from './claims.js';
import type { SessionOverlay } from './overlay.js';
import { heldElsewhere, Replica } from './replica.js';
import { SessionSeal } from './seal.js';
import { type OpenedSession, SessionOpener } from './session-opener.js';
import { SessionStore } from './session-store.js';

const SWEEP = 60_000;

/** Legacy sessions of this process: sealed ids on one side, what is remembered besides them on the other. */
@Injectable()
export class Sessions implements OnModuleDestroy {
  readonly #seal: SessionSeal;
  readonly #opener: SessionOpener;
  readonly #store: SessionStore;
  readonly #sweeper: NodeJS.Timeout;
  readonly #stop: () => void;

  constructor(
    @Inject(McpProxy) proxy: McpProxy,
    policy: FrontPolicy,
    server: ServerConfigRef,
    proxyConfig: ProxyConfigRef,
    log: GatewayLog,
    private readonly replica: Replica,
  ) {
    const secret = server.current.session_key;
    if (!secret) {
      log.info({}, 'server.session_key is not set: client sessions end when the gateway restarts');
    }
    this.#seal = new SessionSeal(secret);
    this.#store = new SessionStore({
      replicaId: replica.id,
      perOwner: () => policy.limits.sessions_per_principal,
      total: () => policy.limits.sessions,
      idleAfter: () => policy.limits.session_idle,
      onClosed: (session) => proxy.closeSession(session),
    });
    this.#opener = new SessionOpener(
      this.#seal,
      (name) => proxy.spelling(name),
      this.#store.isRevoked,
      (claims) => replica.isElsewhere(claims),
    );
    this.#sweeper = setInterval(() => this.#store.sweep(), SWEEP).unref();
    this.#stop = proxyConfig.onChange(() => this.#opener.forget());
  }

  /** Sessions this process remembers something of. */
  get size(): number {
    return this.#store.size;
  }

  get running(): number {
    return this.#store.running;
  }

  /** Seals a new session for this caller. */
  create(given: Omit<SessionClaims, 'home'>, { principal, endpoint }: Inbound): OpenedSession {
    const claims = { ...given, home: this.replica.id };
    const session: ClientSession = this.#opener.restore(claims, principal, endpoint);
    const token = this.#seal.seal(claims);
    const opened = { token, session, expiresAt: claims.expiresAt * 1000 };
    this.#opener.made(claims, opened);
    return opened;
  }

  /** @throws GatewayError SESSION_NOT_FOUND, INVALID_REQUEST */
  open(token: string, { principal, endpoint }: Inbound): OpenedSession {
    return this.#opener.open(token, principal, endpoint);
  }

  /** @throws GatewayError SESSION_LIMIT */
  touch(opened: OpenedSession, inbound: Inbound): SessionOverlay {
    return this.#store.touch(opened, this.ownerOf(inbound));
  }

  /** Whose limits count: the principal's, and for anonymous callers those of their address. */
  ownerOf({ principal, remoteAddress }: Pick<Inbound, 'principal' | 'remoteAddress'>): string {
    return principal.anonymous ? `address ${remoteAddress}` : principal.key;
  }

  /** @throws GatewayError REPLICA_STATE: the process that holds the session would go on serving it */
  revoke(opened: OpenedSession): void {
    if (opened.session.elsewhere) throw heldElsewhere('Ending a session');
    this.#store.revoke(opened);
    this.#opener.ended(opened);
  }

  /** Aborts whatever still runs: the last step of a shutdown. */
  abortAll(): void {
    this.#store.abortAll(cutOff());
  }

  onModuleDestroy(): void {
    clearInterval(this.#sweeper);
    this.#stop();
  }
}
