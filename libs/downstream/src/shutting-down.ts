import { GatewayError } from '#libs/kernel';

/** For requests that come when the gateway stops: nothing of them has run. */
export function shuttingDown(): GatewayError {
  return new GatewayError('SHUTTING_DOWN', 'The gateway is shutting down; try again in a moment');
}

/** For requests that still run when the gateway stops. */
export function cutOff(): GatewayError {
  return new GatewayError(
    'SHUTTING_DOWN',
    'The gateway is shutting down while this runs; it may have been executed. Try again in a moment, after a look',
    { data: { mayHaveExecuted: true } },
  );
}
