import type { IncomingMessage } from 'node:http';
import type { Principal } from '#libs/kernel';

const principals = new WeakMap<IncomingMessage, Principal>();

/**
 * Who sent this request. Only the guard knows; there is no other place to look.
 * @throws Error when the guard did not run: a route that forgot it must fail, not pass as somebody
 */
export function principalOf(request: IncomingMessage): Principal {
  const principal = principals.get(request);
  if (!principal) throw new Error('no principal: this route is not behind the AuthGuard');
  return principal;
}

export function hasPrincipal(request: IncomingMessage): boolean {
  return principals.has(request);
}

/** Only the guard calls this. */
export function setPrincipal(request: IncomingMessage, principal: Principal): void {
  principals.set(request, principal);
}
