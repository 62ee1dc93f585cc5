import { buildConnector } from 'undici';
import type { EgressGuard, Trust } from './egress-guard.js';

/** TLS towards one host, as undici takes it. */
export interface TlsOptions {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly rejectUnauthorized?: boolean;
}

export interface ConnectSettings extends TlsOptions {
  /** Milliseconds until a socket has to be open. */
  readonly timeout: number;
}

/** A connector for undici's pools that checks the address it really connects to, for each new socket (UP-93). */
export function guardedConnect(guard: EgressGuard, trust: Trust, settings: ConnectSettings): buildConnector.connector {
  const connect = buildConnector({
    ...settings,
    allowH2: false,
    lookup: guard.lookup(trust),
  } as buildConnector.BuildOptions);
  return (options, callback) => {
    try {
      // A literal address is never looked up.
      guard.checkHost(options.hostname, trust);
    } catch (thrown) {
      callback(thrown as Error, null);
      return;
    }
    connect(options, callback);
  };
}
