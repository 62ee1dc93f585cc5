import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Injectable } from '@nestjs/common';
import { GatewayError, toGatewayError } from '#libs/kernel';
import { eraOfHeaders } from '../era.js';
import { shuttingDown } from '../shutting-down.js';
import { methodNotAllowed, sendJson } from './answers.js';
import { correlationOf } from './correlation.js';
import { shareWith } from './cors.js';
import { FrontLog } from './front-log.js';
import { FrontPolicy } from './front-policy.js';
import { pathOf } from './path-of.js';
import { RefusalAudit } from './refusal-audit.js';
import { Refusals } from './refusals.js';

/** An MCP endpoint's path that no route took: only the method can be wrong. */
const MCP_PATH = /^\/mcp(?:\/[^/]+)?$/;

interface Reply {
  readonly raw: ServerResponse;
  readonly sent: boolean;
  hijack(): void;
}

/**
 * Turns whatever a guard or a route throws into an answer: the catalogue's status with a JSON-RPC error, and nothing
 * of what went wrong inside. Works for every route of the application, and for those that do not exist.
 */
@Catch()
@Injectable()
export class GatewayExceptionFilter implements ExceptionFilter {
  constructor(
    private readonly refusals: Refusals,
    private readonly audit: RefusalAudit,
    private readonly policy: FrontPolicy,
    private readonly log: FrontLog,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<{ raw: IncomingMessage }>().raw;
    const reply = http.getResponse<Reply>();
    const requestId = correlationOf(request);
    if (reply.raw.headersSent) {
      // Too late for a status: a cut answer is the only honest sign left.
      this.log.failed(toGatewayError(thrown), requestId);
      reply.raw.destroy();
      return;
    }
    if (!reply.sent) reply.hijack();
    this.#share(request, reply.raw);
    const body = ownBody(thrown);
    if (body) {
      sendJson(reply.raw, body.status, Buffer.from(JSON.stringify(body.value)));
      return;
    }
    const error = asGatewayError(thrown, request);
    this.#report(error, request, requestId);
    this.refusals.send(reply.raw, { error, request, requestId }, null, eraOfHeaders(request));
  }

  /** Where there is no route no guard has marked the answer. */
  #share({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
    if (origin !== undefined && !response.hasHeader('vary')) shareWith(origin, response, this.policy.hosts);
  }

  #report(error: GatewayError, request: IncomingMessage, requestId: string): void {
    const about = error.entry.origin === 'auth' ? { remoteAddress: this.policy.addresses.of(request) } : {};
    this.log.failed(error, requestId, about);
    this.audit.record(error, request, requestId);
  }
}

/** Routes that speak plain HTTP (health, administration) throw exceptions with a body of their own. */
function ownBody(thrown: unknown): { status: number; value: object } | undefined {
  if (!(thrown instanceof HttpException) || thrown.getStatus() === 404) return undefined;
  const value = thrown.getResponse();
  return typeof value === 'object' ? { status: thrown.getStatus(), value } : undefined;
}

function asGatewayError(thrown: unknown, request: IncomingMessage): GatewayError {
  switch (statusOf(thrown)) {
    case 404:
      if (MCP_PATH.test(pathOf(request))) return methodNotAllowed(`${request.method} is not served at an MCP endpoint`);
      return new GatewayError(
        'ENDPOINT_NOT_FOUND',
        `Nothing is served at ${request.method} ${pathOf(request)}; MCP is at /mcp and /mcp/<server>`,
      );
    case 413:
      return new GatewayError('BODY_TOO_LARGE', 'The body is too large');
    case 415:
      return new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'This Content-Type is not understood');
    case 400:
      return new GatewayError('INVALID_REQUEST', 'The request is malformed');
    case 503:
      return shuttingDown();
    default:
      return toGatewayError(thrown);
  }
}

/** Nest's and Fastify's own errors carry a status; of others only their type is known. */
function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof GatewayError) return undefined;
  if (thrown instanceof HttpException) return thrown.getStatus();
  const status = (thrown as { statusCode?: unknown } | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}
