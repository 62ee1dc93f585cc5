import type { IncomingMessage } from 'node:http';
import type { Principal } from '#libs/kernel';

/** On the request itself, where nobody else can find it: a WeakMap of requests is work for every collection. */
const PRINCIPAL = Symbol('principal');

type Authenticated = IncomingMessage & { [PRINCIPAL]?: Principal };

/**
 * Who sent this request. Only the guard knows; there is no other place to look.
 * @throws Error when the guard did not run: a route that forgot it must fail, not pass as somebody
 */
export function principalOf(request: Authenticated): Principal {
  const principal = request[PRINCIPAL];
  if (!principal) throw new Error('no principal: this route is not behind the AuthGuard');
  return principal;
}

export function hasPrincipal(request: Authenticated): boolean {
  return request[PRINCIPAL] !== undefined;
}

/** Only the guard calls this. */
export function setPrincipal(request: Authenticated, principal: Principal): void {
  request[PRINCIPAL] = principal;
}
