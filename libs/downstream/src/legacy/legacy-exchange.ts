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
import { encodeNotification, sseFrame } from '#libs/mcp';
import type { PostReply } from '../streams/post-reply.js';
import type { AskDesk } from './ask-desk.js';

/** What an exchange takes from the HTTP request it came with. */
export interface ExchangeOrigin {
  readonly requestId: string;
  readonly traceparent: string | undefined;
  readonly remoteAddress: string;
  readonly request: { readonly headers: ClientHeaders };
}

/** One request of a legacy client in flight: what upstreams tell the client goes on this request's own stream. */
export class LegacyExchange implements Exchange {
  readonly id: string;
  readonly traceparent?: string;
  readonly remoteAddress: string;
  readonly headers: ClientHeaders;
  readonly #abort = new AbortSource();
  readonly #reply: PostReply;
  readonly #desk: AskDesk;
  readonly #askTimeout: () => number;
  #asks: Set<Ask> | undefined;
  #over = false;

  constructor(
    origin: ExchangeOrigin,
    readonly session: ClientSession,
    reply: PostReply,
    desk: AskDesk,
    askTimeout: () => number,
  ) {
    this.id = origin.requestId;
    if (origin.traceparent !== undefined) this.traceparent = origin.traceparent;
    this.remoteAddress = origin.remoteAddress;
    this.headers = origin.request.headers;
    this.#reply = reply;
    this.#desk = desk;
    this.#askTimeout = askTimeout;
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

  get aborted(): boolean {
    return this.#abort.aborted;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** True once it was answered or aborted: nothing more goes to the client. */
  get over(): boolean {
    return this.#over;
  }

  onAbort(listener: (reason: GatewayError) => void): () => void {
    return this.#abort.onAbort(listener);
  }

  notify({ method, params }: OutboundNotification): void {
    if (!this.#over) this.#reply.send(sseFrame(encodeNotification(method, params)));
  }

  crowded(resume: () => void): boolean {
    return !this.#over && this.#reply.crowded(resume);
  }

  ask(request: InputRequest): Ask {
    const ask = this.#desk.ask(request, this.#over ? CLOSED : this.#reply, this.#askTimeout());
    this.#asks ??= new Set();
    this.#asks.add(ask);
    const forget = () => this.#asks?.delete(ask);
    ask.answer.then(forget, forget);
    return ask;
  }

  abort(reason: GatewayError): void {
    this.finish();
    this.#abort.abort(reason);
  }

  /** The exchange is answered, or never will be: open questions are withdrawn, later notifications dropped. */
  finish(): void {
    if (this.#over) return;
    this.#over = true;
    for (const ask of this.#asks ?? []) ask.withdraw('the request it belongs to is over');
  }
}

const CLOSED = { send: () => false, onClosed: () => () => {} };
