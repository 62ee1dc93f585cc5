import type { DueClock, Log } from '#libs/kernel';
import type { Connection, ConnectionListener } from '#libs/plugin';
import type { Forwarded } from '../credentials/forwarded-headers.js';
import type { Opening } from './opening.js';
import type { SessionListener } from './upstream-session.js';

/** What a session is opened with, whatever its era. */
export interface SessionOptions {
  /** The upstream's configured name. */
  readonly server: string;
  /** Version the gateway gives itself in `clientInfo`. */
  readonly gatewayVersion: string;
  /** Milliseconds for connecting and the handshake together. */
  readonly startTimeout: number;
  readonly listener: SessionListener;
  readonly log: Log;
  /** Opens the transport's connection. */
  readonly connect: (listener: ConnectionListener, opening: Opening) => Promise<Connection>;
  /** Headers of a caller's own request that go along. */
  readonly forwarded?: Forwarded | undefined;
  /** Gives up opening. */
  readonly signal: AbortSignal;
  /** For the time limits of its calls; one of its own when absent. */
  readonly clock?: DueClock | undefined;
}
