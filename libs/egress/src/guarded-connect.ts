import type { Socket } from 'node:net';
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
  const connect = buildConnector({
    ...settings,
    allowH2: false,
    lookup: guard.lookup(trust),
  } as BuildConnector.BuildOptions);
  return (options, callback) => {
    const socket = connect(options, (...outcome) => {
      // What waits for the attempt to fail would keep all of the attempt for as long as the socket lives.
      if (outcome[0] === null && waiting) socket.off('error', waiting);
      callback(...outcome);
    }) as unknown as Socket;
    const waiting = socket.listeners('error').at(-1) as (() => void) | undefined;
  };
}
