import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { oauthError, ResourceServer } from '#libs/auth';
import type { Era, GatewayError } from '#libs/kernel';
import { errorMessage, type HttpAnswer, MCP_METHODS, sendJson } from './answers.js';

/** A failure and the request it is the answer to. */
export interface Refused {
  readonly error: GatewayError;
  readonly request: IncomingMessage;
  readonly requestId: string;
}

/** How failures look over HTTP: status, headers, and a body of OAuth's own form where credentials or rights are missing. */
@Injectable()
export class Refusals {
  constructor(private readonly resource: ResourceServer) {}

  /** For as long as nothing has been written. Later, and within batches, only the JSON-RPC message is left. */
  of({ error, request, requestId }: Refused): HttpAnswer {
    const headers = this.#headers(error, request);
    const body = oauthBody(error, requestId);
    return { status: error.entry.http, ...(headers && { headers }), ...(body && { body }) };
  }

  /** Answers a request that failed before anything else was answered. `idJson` as in `errorMessage`. */
  send(response: ServerResponse, refused: Refused, idJson: string | null, era: Era): void {
    const { error, requestId } = refused;
    const { status, headers, body } = this.of(refused);
    sendJson(response, status, body ?? errorMessage(error, idJson, requestId, era), headers);
  }

  #headers(error: GatewayError, request: IncomingMessage): OutgoingHttpHeaders | undefined {
    switch (error.entry.http) {
      case 405:
        return { allow: String(error.data['allow'] ?? MCP_METHODS) };
      case 429:
      case 503:
        return { 'retry-after': String(error.data['retryAfter'] ?? 5) };
      default: {
        const challenge = this.resource.challenge(error, request.url);
        return challenge === undefined ? undefined : { 'www-authenticate': challenge };
      }
    }
  }
}

/** OAuth clients read the first two members; the others are for people, and the same as in every other failure. */
function oauthBody(error: GatewayError, requestId: string): Buffer | undefined {
  const own = oauthError(error);
  const { rule } = error.data;
  const named = typeof rule === 'string' ? { rule } : {};
  return own && Buffer.from(JSON.stringify({ ...own, code: error.code, ...named, request_id: requestId }));
}
