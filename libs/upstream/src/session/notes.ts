import { type GatewayError, type Log, toGatewayError } from '#libs/kernel';

interface Noting {
  readonly log: Log;
  /** The upstream's configured name. */
  readonly server: string;
}

/** A message that nobody waits for did not reach the upstream. Returns why. */
export function noteNotTaken({ log, server }: Noting, thrown: unknown): GatewayError {
  const error = toGatewayError(thrown);
  log.debug({ upstream: server, code: error.code }, `${server} did not take a message: ${error.message}`);
  return error;
}

/** A connection did not close as it should; it is given up all the same. */
export function noteNotClosed({ log, server }: Noting, thrown: unknown): void {
  log.debug({ upstream: server, cause: toGatewayError(thrown).message }, 'Closing an upstream session failed');
}
