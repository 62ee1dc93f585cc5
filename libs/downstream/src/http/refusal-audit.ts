import type { IncomingMessage } from 'node:http';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { endpointNamed } from '#libs/auth';
import type { ErrorCode, GatewayError } from '#libs/kernel';
import { AuditTrail } from '#libs/plugin';
import { FrontPolicy } from './front-policy.js';
import { pathOf } from './path-of.js';

const UNAUTHENTICATED: ReadonlySet<ErrorCode> = new Set([
  'UNAUTHENTICATED',
  'TOKEN_INVALID',
  'CREDENTIALS_MALFORMED',
  'RATE_LIMITED',
]);

/** Tells the audit of callers who were let in nowhere, because nobody knows who they are. */
@Injectable()
export class RefusalAudit {
  constructor(
    private readonly policy: FrontPolicy,
    @Optional() @Inject(AuditTrail) private readonly trail?: AuditTrail,
  ) {}

  record(error: GatewayError, request: IncomingMessage, requestId: string): void {
    if (!this.trail?.enabled || !UNAUTHENTICATED.has(error.code)) return;
    this.trail.record({
      event: 'refused',
      requestId,
      remoteAddress: this.policy.addresses.of(request),
      endpoint: endpointNamed(request.url) ?? pathOf(request),
      // The body, and with it what was asked for, was not read.
      method: request.method ?? '',
      decision: 'unauthenticated',
      outcome: 'refused',
      code: error.code,
    });
  }
}
