import type { IncomingMessage } from 'node:http';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { GatewayError } from '#libs/kernel';
import { type AuthOutcome, publicOptions } from '#libs/plugin';
import { AuthChain } from './auth-chain.js';
import { credentialsOf } from './credentials-of.js';
import { hasPrincipal, setPrincipal } from './principal-of.js';

/**
 * Every route is authenticated unless it is marked `@Public()`. Decides on headers alone, before the body is read;
 * what it found is read with `principalOf`.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly chain: AuthChain,
  ) {}

  /**
   * @throws GatewayError UNAUTHENTICATED, TOKEN_INVALID, CREDENTIALS_MALFORMED or AUTH_UNAVAILABLE; the provider's reason is
   * its cause, for the log: told to a stranger it would be an oracle
   */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (publicOptions(this.reflector, context.getHandler(), context.getClass())) return true;
    return this.authenticate(context.getArgByIndex<{ raw: IncomingMessage }>(0).raw);
  }

  /** The same for a request that is known to need it: what guards do that stand before this one. */
  authenticate(request: IncomingMessage): true | Promise<true> {
    if (hasPrincipal(request)) return true;
    const outcome = this.chain.authenticate(credentialsOf(request));
    return outcome instanceof Promise ? outcome.then((it) => admit(request, it)) : admit(request, outcome);
  }
}

function admit(request: IncomingMessage, outcome: AuthOutcome): true {
  switch (outcome.kind) {
    case 'ok':
      setPrincipal(request, outcome.principal);
      return true;
    case 'denied':
      throw new GatewayError('TOKEN_INVALID', 'The access token is invalid', {
        cause: outcome.reason,
        ...(outcome.limit !== undefined && { data: { key: outcome.limit } }),
      });
    case 'malformed':
      throw new GatewayError('CREDENTIALS_MALFORMED', 'The credentials are malformed; send one Authorization header', {
        cause: outcome.reason,
      });
    case 'unavailable':
      throw new GatewayError('AUTH_UNAVAILABLE', 'Credentials cannot be checked at the moment; try again', {
        data: { retryAfter: outcome.retryAfterSeconds },
      });
    case 'none':
      throw new GatewayError('UNAUTHENTICATED', 'This endpoint needs valid credentials');
  }
}
