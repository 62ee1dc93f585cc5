import type { IncomingMessage } from 'node:http';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '#libs/auth';
import { toGatewayError } from '#libs/kernel';
import { publicOptions } from '#libs/plugin';
import { AddressGate, LoadShedder, type Visit } from '#libs/ratelimit';
import { eraOfHeaders } from '../era.js';
import { FrontPolicy } from './front-policy.js';
import { RequestsInFlight } from './requests-in-flight.js';

/**
 * Authentication, and what comes before it because it has to be cheaper: new work is refused while there is too much of it,
 * and strangers who keep trying are held back. Public routes are none of its business.
 */
@Injectable()
export class EntryGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly auth: AuthGuard,
    private readonly gate: AddressGate,
    private readonly shedder: LoadShedder,
    private readonly inFlight: RequestsInFlight,
    private readonly policy: FrontPolicy,
  ) {}

  /** @throws GatewayError OVERLOADED, RATE_LIMITED, and what the AuthGuard throws */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (publicOptions(this.reflector, context.getHandler(), context.getClass())) return true;
    const request = context.getArgByIndex<{ raw: IncomingMessage }>(0).raw;
    if (isNewWork(request)) this.shedder.admit(this.inFlight.count, this.inFlight.bytes);
    const entered = this.gate.enter(this.policy.addresses.of(request), request.headers.authorization);
    return entered ? entered.then((visit) => this.#authenticate(request, visit)) : this.auth.authenticate(request);
  }

  async #authenticate(request: IncomingMessage, visit: Visit): Promise<true> {
    try {
      const admitted = await this.auth.authenticate(request);
      visit.admitted();
      return admitted;
    } catch (thrown) {
      await visit.refused(toGatewayError(thrown).code);
      throw thrown;
    }
  }
}

/**
 * Seen from the headers alone: every modern request, and legacy ones that open a session or a stream. Within a session a
 * message may be an answer somebody waits for, or a cancellation, which only its body tells.
 */
function isNewWork(request: IncomingMessage): boolean {
  switch (request.method) {
    case 'POST':
      return request.headers['mcp-session-id'] === undefined || eraOfHeaders(request) === 'modern';
    case 'DELETE':
      return false;
    default:
      return true;
  }
}
