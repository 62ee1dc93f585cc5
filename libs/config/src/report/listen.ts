import { isLoopbackHost } from '#libs/kernel';
import type { Problem } from '../load/problems.js';
import type { GatewayConfig } from '../sections/gateway.config.js';

type Needed = Pick<GatewayConfig, 'server' | 'oauth' | 'api_keys'>;

/** Why the gateway must not listen where it was told to; undefined when it may. */
export function listenProblem({ server, oauth, api_keys }: Needed): Problem | undefined {
  if (isLoopbackHost(server.host) || server.allow_anonymous || oauth.enabled || api_keys.length > 0) return undefined;
  return {
    path: '$.server.host',
    message:
      `${server.host} can be reached from other machines, and nothing says who may call: no oauth, no api_keys. ` +
      'Listen on 127.0.0.1, configure oauth or api_keys, or write server.allow_anonymous: true to serve everybody who can reach it',
  };
}
