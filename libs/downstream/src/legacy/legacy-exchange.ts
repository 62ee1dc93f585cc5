import {
  AbortSource,
  type Ask,
  type ClientHeaders,
  type ClientHop,
  type ClientSession,
  type Endpoint,
  type Exchange,
  type GatewayError,
  type InputRequest,
  type OutboundNotification,
  type Principal,
  type Spelling,
} from '#libs/kernel';
import { encodeNotification, type RequestMessage, sseFrame } from '#libs/mcp';
import type { InboundPost } from '../front.js';
import type { Running, SessionOverlay } from '../session/overlay.js';
import type { PostReply } from '../streams/post-reply.js';

/** What exchanges need of their surroundings. */
export interface ExchangeHooks {
  /** How long a question may stay open, in milliseconds. */
  askTimeout(): number;
  /** The request will not be answered by whoever works on it, who is told after this. */
  gaveUp(exchange: LegacyExchange, reason: GatewayError): void;
}

/** One request of a legacy client in flight: what upstreams tell the client goes on this request's own stream. */
export class LegacyExchange extends AbortSource implements Exchange, Running {
  readonly traceparent?: string;
  readonly session: ClientSession;
  readonly #hooks: ExchangeHooks;
  #asks: Set<Ask> | undefined;
  #over = false;

  constructor(
    readonly inbound: InboundPost,
    readonly overlay: SessionOverlay,
    readonly request: RequestMessage,
    readonly reply: PostReply,
    hooks: ExchangeHooks,
  ) {
    super();
    this.session = overlay.session;
    if (inbound.traceparent !== undefined) this.traceparent = inbound.traceparent;
    this.#hooks = hooks;
  }

  get id(): string {
    return this.inbound.requestId;
  }

  get remoteAddress(): string {
    return this.inbound.remoteAddress;
  }

  get headers(): ClientHeaders {
    return this.inbound.request.headers;
  }

  get principal(): Principal {
    return this.session.principal;
  }

  get client(): ClientHop {
    return this.session.client;
  }

  get endpoint(): Endpoint {
    return this.session.endpoint;
  }

  get spelling(): Spelling {
    return this.session.spelling;
  }

  /** True once it was answered or aborted: nothing more goes to the client. */
  get over(): boolean {
    return this.#over;
  }

  notify({ method, params }: OutboundNotification): void {
    if (!this.#over) this.reply.send(sseFrame(encodeNotification(method, params)));
  }

  crowded(resume: () => void): boolean {
    return !this.#over && this.reply.crowded(resume);
  }

  ask(request: InputRequest): Ask {
    const ask = this.overlay.asks.ask(request, this.#over ? CLOSED : this.reply, this.#hooks.askTimeout());
    this.#asks ??= new Set();
    this.#asks.add(ask);
    const forget = () => this.#asks?.delete(ask);
    ask.answer.then(forget, forget);
    return ask;
  }

  override abort(reason: GatewayError): void {
    if (!this.#over) {
      this.finish();
      this.#hooks.gaveUp(this, reason);
    }
    super.abort(reason);
  }

  /** The exchange is answered, or never will be: open questions are withdrawn, later notifications dropped. */
  finish(): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#asks) return;
    for (const ask of this.#asks) ask.withdraw('the request it belongs to is over');
  }
}

const CLOSED = { send: () => false, onClosed: () => () => {} };
