import type { ProxyConfig } from '#libs/config';

/** What holds for all upstreams; may change at run time, so it is asked for each time. */
export interface GatewaySettings {
  readonly discovery: ProxyConfig['discovery'];
  readonly heartbeat: ProxyConfig['heartbeat'];
  readonly retry: ProxyConfig['retry'];
  readonly breaker: ProxyConfig['breaker'];
  readonly grace: number;
  /** The listener is loopback only: anonymous callers share `user` state. */
  readonly sharedAnonymous: boolean;
  /** Whether a client session has a stream on which it can be told what belongs to no request. */
  readonly isListening: (clientSession: string) => boolean;
  /** Version of the gateway, told to upstreams. */
  readonly version: string;
}

/** Milliseconds that finding out an upstream's era may take, before a session is opened. */
export const PROBING = 30_000;
/** Longest a call waits for the first connection to its upstream. */
export const FIRST_CONNECT_WAIT = 10_000;
