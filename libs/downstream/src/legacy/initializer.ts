import { Injectable } from '@nestjs/common';
import { endpointPath, GatewayError, randomPiece } from '#libs/kernel';
import { encodeResult, type JsonView, LEGACY_VERSIONS, negotiate, type RequestMessage } from '#libs/mcp';
import { McpProxy } from '#libs/proxy';
import type { InboundPost } from '../front.js';
import { FrontPolicy } from '../http/front-policy.js';
import { cutText, type SessionClaims } from '../session/claims.js';
import { packCapabilities } from '../session/client-capabilities.js';
import type { OpenedSession } from '../session/session-opener.js';
import { Sessions } from '../session/sessions.js';
import { PostReply } from '../streams/post-reply.js';
import { StreamRegistry } from '../streams/stream-registry.js';
import { type ExchangeHooks, LegacyExchange } from './legacy-exchange.js';

/** Answers `initialize`: negotiates, seals a session and says what the endpoint offers. No upstream is asked. */
@Injectable()
export class Initializer {
  /** Nobody can cancel it: its session is not known to anybody yet. */
  readonly #hooks: ExchangeHooks = { askTimeout: () => this.policy.limits.ask, gaveUp: () => {} };

  constructor(
    private readonly sessions: Sessions,
    private readonly proxy: McpProxy,
    private readonly policy: FrontPolicy,
    private readonly registry: StreamRegistry,
  ) {}

  /** @throws GatewayError SESSION_EXISTS, INVALID_PARAMS, SESSION_LIMIT */
  initialize(inbound: InboundPost, request: RequestMessage): Promise<void> | undefined {
    if (inbound.request.headers['mcp-session-id'] !== undefined) {
      throw new GatewayError(
        'SESSION_EXISTS',
        'This session is initialized already; initialize takes no Mcp-Session-Id',
      );
    }
    const claims = this.#claims(inbound, request);
    const opened = this.sessions.create(claims, inbound);
    const overlay = this.sessions.touch(opened, inbound);
    const reply = new PostReply(inbound.response, inbound.accepted, this.registry);
    const exchange = new LegacyExchange(inbound, overlay, request, reply, this.#hooks);
    const warming = this.proxy.warm(exchange);
    if (warming) return warming.then(() => this.#answer(exchange, opened));
    this.#answer(exchange, opened);
    return undefined;
  }

  #answer(exchange: LegacyExchange, { token }: OpenedSession): void {
    const { reply, request } = exchange;
    const result = this.proxy.initializeResult(exchange);
    exchange.finish();
    reply.answer(encodeResult(request.idJson, result), { status: 200, headers: { 'mcp-session-id': token } });
  }

  #claims({ principal, endpoint }: InboundPost, { params }: RequestMessage): Omit<SessionClaims, 'home'> {
    const requested = params?.get('protocolVersion')?.string();
    if (requested === undefined) {
      throw new GatewayError('INVALID_PARAMS', 'initialize needs params.protocolVersion, a string', {
        data: { supported: LEGACY_VERSIONS },
      });
    }
    const now = Date.now();
    return {
      id: randomPiece(16).toString('base64url'),
      principalKey: principal.key,
      endpoint: endpointPath(endpoint),
      version: negotiate(requested),
      capabilities: packCapabilities(params?.get('capabilities')?.value()),
      clientName: text(params?.at('clientInfo', 'name')),
      clientVersion: text(params?.at('clientInfo', 'version')),
      issuedAt: now,
      expiresAt: Math.floor((now + this.policy.limits.session_lifetime) / 1000),
    };
  }
}

function text(view: JsonView | undefined): string {
  return cutText(view?.string() ?? '');
}
