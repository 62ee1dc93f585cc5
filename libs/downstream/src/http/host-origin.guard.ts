import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { GatewayError } from '#libs/kernel';
import { publicOptions } from '#libs/plugin';
import { shareWith } from './cors.js';
import { FrontPolicy } from './front-policy.js';

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)/i;
const SLASH = 0x2f;

/**
 * The first check of every request, on headers alone: it asks for one of our hosts, and comes from no page of a
 * stranger (DNS rebinding, cross-site requests). Probes and metrics, public for any host, are exempt.
 */
@Injectable()
export class HostOriginGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly policy: FrontPolicy,
  ) {}

  /** @throws GatewayError HEADERS_TOO_MANY, INVALID_REQUEST, FORBIDDEN_HOST, FORBIDDEN_ORIGIN */
  canActivate(context: ExecutionContext): boolean {
    const open = publicOptions(this.reflector, context.getHandler(), context.getClass());
    if (open && open.anyHost !== false) return true;
    const request = context.getArgByIndex<{ raw: IncomingMessage }>(0).raw;
    this.#checkCount(request.rawHeaders);
    this.#checkHost(request);
    const origin = this.#checkOrigin(request.rawHeaders);
    if (origin !== undefined) {
      shareWith(origin, context.getArgByIndex<{ raw: ServerResponse }>(1).raw, this.policy.hosts);
    }
    return true;
  }

  #checkCount(rawHeaders: readonly string[]): void {
    const limit = this.policy.limits.header_count;
    if (rawHeaders.length / 2 <= limit) return;
    throw new GatewayError('HEADERS_TOO_MANY', `The request has more than ${limit} header lines`, {
      data: { limit, key: 'server.limits.header_count' },
    });
  }

  #checkHost({ rawHeaders, url }: IncomingMessage): void {
    const host = onlyOne(rawHeaders, 'host');
    if (host === undefined || host === SEVERAL) {
      throw new GatewayError('INVALID_REQUEST', 'The request must have exactly one Host header');
    }
    const named = authorityOf(url ?? '');
    if (this.policy.hosts.allowsHost(host) && (named === undefined || this.policy.hosts.allowsHost(named))) return;
    throw new GatewayError(
      'FORBIDDEN_HOST',
      'This Host is not served here; the operator can add it to server.allowed_hosts or set server.url',
    );
  }

  #checkOrigin(rawHeaders: readonly string[]): string | undefined {
    const origin = onlyOne(rawHeaders, 'origin');
    if (origin === undefined) return undefined;
    if (origin !== SEVERAL && this.policy.hosts.allowsOrigin(origin)) return origin;
    throw new GatewayError(
      'FORBIDDEN_ORIGIN',
      'Pages of this origin may not call this gateway; the operator can add it to server.cors.allowed_origins',
    );
  }
}

/** Whom a request target in absolute form names. */
function authorityOf(target: string): string | undefined {
  return target.charCodeAt(0) === SLASH ? undefined : ABSOLUTE_FORM.exec(target)?.[1];
}

const SEVERAL = Symbol('several');

/** Node keeps only the first of several Host headers and joins others: the raw list shows what was really sent. */
function onlyOne(rawHeaders: readonly string[], name: string): string | typeof SEVERAL | undefined {
  let found: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const key = rawHeaders[index];
    if (key?.length !== name.length || key.toLowerCase() !== name) continue;
    if (found !== undefined) return SEVERAL;
    found = rawHeaders[index + 1] ?? '';
  }
  return found;
}
