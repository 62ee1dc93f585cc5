import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { principalOf } from '#libs/auth';
import { type Endpoint, type Era, GatewayError, type Principal, saneTraceparent, toGatewayError } from '#libs/kernel';
import { EnvelopeError, type Message, parseClientMessage } from '#libs/mcp';
import { McpProxy } from '#libs/proxy';
import { LoadShedder } from '#libs/ratelimit';
import { eraOf, eraOfHeaders, versionHeader } from './era.js';
import type { Inbound } from './front.js';
import { methodNotAllowed } from './http/answers.js';
import { Connections } from './http/connections.js';
import { correlationOf } from './http/correlation.js';
import { FrontLog } from './http/front-log.js';
import { FrontPolicy } from './http/front-policy.js';
import { SMALL_BODY } from './http/held-bytes.js';
import { type Accepted, acceptedForPost, checkAcceptForGet, checkContentType } from './http/post-headers.js';
import { Refusals, type Refused } from './http/refusals.js';
import { RequestsInFlight } from './http/requests-in-flight.js';
import { LegacyFront } from './legacy/legacy-front.js';
import { ModernFront } from './modern/modern-front.js';
import { shuttingDown } from './shutting-down.js';

/** The MCP endpoints behind the guards: headers, then the body, then the era's own front. Answers every failure. */
@Injectable()
export class FrontDoor {
  constructor(
    private readonly policy: FrontPolicy,
    private readonly proxy: McpProxy,
    private readonly legacy: LegacyFront,
    private readonly modern: ModernFront,
    private readonly connections: Connections,
    private readonly refusals: Refusals,
    private readonly inFlight: RequestsInFlight,
    private readonly shedder: LoadShedder,
    private readonly log: FrontLog,
  ) {}

  post(request: IncomingMessage, response: ServerResponse, name: string | undefined): void {
    const requestId = correlationOf(request);
    try {
      const inbound = this.#inbound(request, response, name, requestId);
      checkContentType(request.headers);
      const accepted = acceptedForPost(request.headers.accept);
      const { limits } = this.policy;
      // What requests held before this one.
      const held = this.inFlight.bytes;
      this.shedder.admitBody(this.inFlight.arriving, isSmall(request) ? 0 : held);
      this.inFlight.body(request, response, limits.body, (body) => this.#posted(inbound, accepted, body, held));
    } catch (thrown) {
      this.#refusePost(request, response, thrown);
    }
  }

  /** What fails once the message is read is answered to its id, in its era. */
  #posted(inbound: Inbound, accepted: Accepted, body: Buffer | GatewayError, held: number): void {
    const { request, response } = inbound;
    let message: Message | undefined;
    let era: Era | undefined;
    try {
      if (body instanceof GatewayError) throw body;
      const { json_depth: depth, json_nodes: nodes } = this.policy.limits;
      message = parseClientMessage(body, { depth, nodes });
      era = eraOf(message, versionHeader(request));
      if (isNewWork(message)) {
        if (this.connections.isLate(request.socket)) throw shuttingDown();
        this.shedder.admit(this.inFlight.count, held);
      }
      const answering = (era === 'modern' ? this.modern : this.legacy).post({ ...inbound, message, accepted });
      if (answering) this.#awaited(answering, inbound, message, era);
    } catch (thrown) {
      this.#refusePost(request, response, thrown, message, era);
    }
  }

  #awaited(answering: Promise<void>, { request, response }: Inbound, message: Message, era: Era): void {
    answering.catch((thrown) => this.#refusePost(request, response, thrown, message, era));
  }

  get(request: IncomingMessage, response: ServerResponse, name: string | undefined): void {
    this.#answer(request, response, name, (inbound) => {
      // Fastify routes HEAD here as well; a stream has no head to look at without opening it.
      if (request.method !== 'GET') throw methodNotAllowed(`${request.method} is not served at an MCP endpoint`);
      this.#refuseModern(inbound);
      checkAcceptForGet(request.headers.accept);
      if (this.connections.isLate(request.socket)) throw shuttingDown();
      // A client that left while it was being authenticated will not say so again.
      if (!response.destroyed) this.legacy.get(inbound);
    });
  }

  delete(request: IncomingMessage, response: ServerResponse, name: string | undefined): void {
    this.#answer(request, response, name, (inbound) => {
      this.#refuseModern(inbound);
      this.legacy.delete(inbound);
    });
  }

  /** Answers a request that has no body. */
  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    name: string | undefined,
    handler: (inbound: Inbound) => void,
  ): void {
    const requestId = correlationOf(request);
    try {
      handler(this.#inbound(request, response, name, requestId));
    } catch (thrown) {
      this.#refuse({ error: toGatewayError(thrown), request, requestId }, response, null, eraOfHeaders(request));
    }
  }

  #inbound(request: IncomingMessage, response: ServerResponse, name: string | undefined, requestId: string): Inbound {
    const traceparent = request.headers['traceparent'];
    const principal = principalOf(request);
    return {
      request,
      response,
      principal,
      endpoint: this.#endpoint(name, principal),
      requestId,
      traceparent: typeof traceparent === 'string' ? saneTraceparent(traceparent) : undefined,
      remoteAddress: this.policy.addresses.of(request),
    };
  }

  #refusePost(
    request: IncomingMessage,
    response: ServerResponse,
    thrown: unknown,
    message?: Message,
    era = eraOfHeaders(request),
  ): void {
    const error = toGatewayError(thrown);
    const idJson = (message ? idOf(message) : idWithin(error)) ?? null;
    this.#refuse({ error, request, requestId: correlationOf(request) }, response, idJson, era);
  }

  #refuse(refused: Refused, response: ServerResponse, idJson: string | null, era: Era): void {
    const { error, requestId } = refused;
    // Nobody is left to be told.
    if (response.destroyed || error.code === 'BODY_INCOMPLETE') return void response.destroy();
    this.log.failed(error, requestId);
    if (response.headersSent) return void response.destroy();
    this.refusals.send(response, refused, idJson, era);
  }

  /** What is hidden from this caller is not there. */
  #endpoint(name: string | undefined, principal: Principal): Endpoint {
    const endpoint = this.proxy.endpoint(name, principal);
    if (endpoint) return endpoint;
    throw new GatewayError('ENDPOINT_NOT_FOUND', 'There is no server or toolset of this name; /mcp has all of them');
  }

  #refuseModern({ request }: Inbound): void {
    if (eraOfHeaders(request) === 'modern') {
      throw methodNotAllowed('Sessions and their streams belong to protocol revisions with initialize');
    }
  }
}

/** Announces no more than an answer or a cancellation has: those are read whatever memory is held. */
function isSmall({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length'] ?? Number.POSITIVE_INFINITY) < SMALL_BODY;
}

/** The id an answer to a message carries. */
function idOf(message: Message): string | undefined {
  return message.kind === 'request' ? message.idJson : undefined;
}

/** The id of a message that was refused while it was read. */
function idWithin(error: GatewayError): string | undefined {
  return error instanceof EnvelopeError ? error.idJson : undefined;
}

/** Answers, notifications and pings are not: refusing them would only make work that is begun last longer. */
function isNewWork(message: Message): boolean {
  switch (message.kind) {
    case 'request':
      return message.method !== 'ping';
    case 'batch':
      return message.items.some((item) => item instanceof Error || isNewWork(item));
    default:
      return false;
  }
}
