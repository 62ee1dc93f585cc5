import type { GatewayError, Log } from '#libs/kernel';
import type { UpstreamState } from '#libs/plugin';
import { Unwatched } from './supervision.js';
import type { Health } from './supervisor.js';

const NOT_WATCHED =
  'not watched: auth gives the gateway no credential of its own, each caller is listed what is its alone';

export interface UnsupervisedPort {
  readonly server: string;
  readonly log: Log;
  changed(): void;
  /** Calls go out again. */
  recovered(): void;
}

/**
 * Nobody watches over an upstream for which the gateway has no credential of its own: there is no session to ask by. It
 * counts as ready, and what becomes of one caller's session says nothing of another's. Only calls that keep breaking
 * off, whoever made them, hold the next ones back for a while; with nobody to ask by, callers find out how it is then.
 */
export class Unsupervised extends Unwatched {
  readonly #port: UnsupervisedPort;
  #timer: NodeJS.Timeout | undefined;
  #health: Health = this.#healthOf('ready');
  #stopped = false;

  constructor(port: UnsupervisedPort) {
    super();
    this.#port = port;
  }

  get health(): Health {
    return this.#health;
  }

  get serving(): boolean {
    return this.#health.state === 'ready';
  }

  override start(): void {
    this.#port.changed();
  }

  override async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  hold(cause: GatewayError, decide: () => number): boolean {
    if (this.#stopped || !this.serving) return false;
    const wait = decide();
    const { log, server } = this.#port;
    this.#health = this.#healthOf('unreachable', cause, Date.now() + wait);
    this.#timer = setTimeout(() => {
      this.#health = this.#healthOf('ready');
      log.info({ upstream: server, state: 'ready' }, `${server} is ready: calls go out again`);
      this.#port.recovered();
      this.#port.changed();
    }, wait);
    log.warn(
      { upstream: server, state: 'unreachable', code: cause.code },
      `${server} is unreachable: ${cause.message}`,
    );
    this.#port.changed();
    return true;
  }

  #healthOf(state: UpstreamState, cause?: GatewayError, nextRetry?: number): Health {
    return { state, reason: cause?.message ?? NOT_WATCHED, since: Date.now(), nextRetry, cause };
  }
}
