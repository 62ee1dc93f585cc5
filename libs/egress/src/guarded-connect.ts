import type { buildConnector as BuildConnector } from 'undici';
import type { EgressGuard, Trust } from './egress-guard.js';
import { buildConnector } from './undici.js';

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

/**
 * A connector for undici's pools that checks the address it really connects to, for each new socket (UP-93). Settings that
 * may change, such as certificates that are renewed, come as a function; equal objects are equal settings.
 */
export function guardedConnect(
  guard: EgressGuard,
  trust: Trust,
  settings: ConnectSettings | (() => ConnectSettings),
): BuildConnector.connector {
  const current = typeof settings === 'function' ? settings : () => settings;
  let made: { readonly by: ConnectSettings; readonly connect: BuildConnector.connector } | undefined;
  return (options, callback) => {
    try {
      // A literal address is never looked up.
      guard.checkHost(options.hostname, trust);
      const by = current();
      if (made?.by !== by) made = { by, connect: connector(guard, trust, by) };
      // Throws where a certificate and its key do not fit.
      made.connect(options, callback);
    } catch (thrown) {
      callback(thrown as Error, null);
    }
  };
}

function connector(guard: EgressGuard, trust: Trust, settings: ConnectSettings): BuildConnector.connector {
  return buildConnector({
    ...settings,
    allowH2: false,
    lookup: guard.lookup(trust),
  } as BuildConnector.BuildOptions);
}
