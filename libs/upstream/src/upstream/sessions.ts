import type { UpstreamConfig } from '#libs/config';
import { type Era, type Exchange, type GatewayError, type Log, toGatewayError } from '#libs/kernel';
import type { ChildPlaces } from '../pool/child-places.js';
import { CrashLoops } from '../pool/crash-loops.js';
import { type PoolEvents, SessionPool } from '../pool/session-pool.js';
import { effectiveState, SERVICE, type SessionSpec, specFor } from '../pool/session-spec.js';
import type { Slot } from '../pool/slot.js';
import type { SessionListener, UpstreamSession } from '../session/upstream-session.js';
import { Eras } from './eras.js';
import { heldElsewhere } from './explain.js';
import { type Extensions, SessionOpener, STDIO } from './opener.js';
import { type GatewaySettings, PROBING } from './settings.js';

export interface SessionsOptions {
  readonly config: UpstreamConfig;
  readonly extensions: Extensions;
  readonly settings: () => GatewaySettings;
  readonly places: ChildPlaces;
  readonly log: Log;
}

/** The sessions of one upstream: which of them an exchange belongs on, in which era, and how they are opened. */
export class Sessions {
  readonly pool: SessionPool;
  readonly eras: Eras;
  /** Set where sessions are child processes. */
  readonly crashes: CrashLoops | undefined;
  readonly #options: SessionsOptions;
  readonly #opener: SessionOpener;
  readonly #limited: (key: string) => void;

  /** `limited` is told when one could not be opened for a limit of the configuration: its key in this server's entry. */
  constructor(options: SessionsOptions, events: PoolEvents, limited: (key: string) => void) {
    const { config, extensions, log, places, settings } = options;
    const server = config.name;
    const children = config.type === STDIO;
    this.#options = options;
    this.#limited = limited;
    this.#opener = new SessionOpener(config, extensions, settings, log);
    this.eras = new Eras(config, this.#opener);
    this.crashes = children ? new CrashLoops({ server, retry: () => settings().retry }) : undefined;
    this.pool = new SessionPool({
      server,
      crashes: this.crashes,
      limit: config.connection.pool,
      places: children ? places : undefined,
      idle: config.connection.idle,
      open: (spec, listener, signal) => this.#open(spec, listener, signal),
      events,
    });
  }

  /** Whether the gateway has a credential of its own for this upstream: only then there is a service session. */
  get serves(): boolean {
    return this.#opener.serves;
  }

  /** The session an exchange belongs on, in its own era unless another is `wanted`. @throws GatewayError REPLICA_STATE */
  spec(exchange: Exchange, wanted?: Era): SessionSpec {
    const { config, settings } = this.#options;
    const era = wanted ?? this.eras.of(exchange);
    const policy = effectiveState(config.state, config.type, this.eras.profile(era));
    if (policy === 'session' && exchange.session?.elsewhere) throw heldElsewhere(config.name);
    return specFor(policy, exchange, {
      credential: this.#opener.credentialUse(exchange.headers),
      sharedAnonymous: settings().sharedAnonymous,
      era,
      dual: this.eras.dual !== undefined,
    });
  }

  /** Opens the service session, or returns the one that lives. */
  async service(): Promise<Slot> {
    const wait = { timeout: this.#options.config.connection.start_timeout + PROBING };
    const slot = this.pool.take(SERVICE, false) ?? (await this.pool.wait(SERVICE, false, wait));
    this.pool.release(slot, false);
    return slot;
  }

  /** Nothing was heard for too long: no new request goes where nobody may be any more. */
  renew(): void {
    this.#opener.renew();
  }

  /** Fails what runs with `error` and what waits with `reason`. Resolves when no session, no child and no question for the era is left. */
  async close(error: GatewayError, reason: GatewayError): Promise<void> {
    await this.pool.close(error, reason);
    await this.eras.stop(reason);
    await this.#opener.release();
  }

  async #open(spec: SessionSpec, listener: SessionListener, signal: AbortSignal): Promise<UpstreamSession> {
    try {
      return await this.#opener.open(spec, listener, signal);
    } catch (thrown) {
      const { limit } = toGatewayError(thrown).data;
      if (typeof limit === 'string') this.#limited(limit);
      throw thrown;
    }
  }
}
