import {
  AbortSource,
  type Ask,
  type ClientHeaders,
  type ClientHop,
  type Endpoint,
  type Exchange,
  GatewayError,
  type InputRequest,
  type OutboundNotification,
  type Outcome,
  type Principal,
  type Resumption,
  type Seated,
  type Spelling,
  toGatewayError,
} from '#libs/kernel';
import { editMembers, encodeNotification, JsonView, logLevelRank, splice, sseFrame } from '#libs/mcp';
import type { InboundPost } from '../front.js';
import type { PostReply } from '../streams/post-reply.js';
import type { ModernRequest } from './envelope.js';
import type { Question } from './question.js';
import { askRefusal, Questions, refusedAsk } from './questions.js';

/** The HTTP request a call is being answered on. A parked call has none; a retry brings the next one. */
export interface Attachment {
  readonly inbound: InboundPost;
  readonly request: ModernRequest;
  readonly reply: PostReply;
}

export type Settled = Outcome | GatewayError;

/** What a call needs of its surroundings. */
export interface CallHooks {
  /** Takes a place among parked calls; returns the way to give it back. @throws GatewayError PARKING_OFF, PARKING_FULL */
  reserve(call: ModernCall): () => void;
  /** How long a question may stay open, in milliseconds. */
  askTimeout(): number;
  /** How long to wait for more questions, or for the result, before the client is asked, in milliseconds. */
  readonly window: number;
  /** The open questions go to the client; the call waits for a retry. */
  park(call: ModernCall, at: Attachment): void;
  /** The answer to the request the call is attached to. */
  deliver(at: Attachment, settled: Settled): void;
  /** A result nobody waits for at the moment. */
  keep(call: ModernCall): void;
  /** Nothing can become of the call any more. */
  ended(call: ModernCall): void;
}

export interface CallGiven {
  readonly spelling: Spelling;
  readonly resumption?: Resumption | undefined;
}

/**
 * The work a modern client's request started, and the exchange everything behind the front door knows. Mostly it lives
 * as long as its HTTP request. When an upstream asks something, the request is answered `input_required`, the call is
 * parked without a client, and a retry adopts it.
 */
export class ModernCall extends AbortSource implements Exchange, Seated {
  seat = -1;
  readonly traceparent?: string;
  readonly spelling: Spelling;
  readonly resumption?: Resumption;
  /** How often the client was asked. */
  round = 0;
  /** Where the request went when the call was parked, by canonical name. */
  target: string | undefined;
  readonly #hooks: CallHooks;
  readonly #inbound: InboundPost;
  readonly #first: ModernRequest;
  #at: Attachment | undefined;
  #unwatch: (() => void) | undefined;
  #questions: Questions | undefined;
  #window: NodeJS.Timeout | undefined;
  #release: (() => void) | undefined;
  #settled: Settled | undefined;
  #over = false;

  /** Until `begin` it is no more than the exchange that checks are made for. */
  constructor(inbound: InboundPost, request: ModernRequest, hooks: CallHooks, given: CallGiven) {
    super();
    if (inbound.traceparent !== undefined) this.traceparent = inbound.traceparent;
    this.spelling = given.spelling;
    if (given.resumption) this.resumption = given.resumption;
    this.#inbound = inbound;
    this.#first = request;
    this.#hooks = hooks;
  }

  get id(): string {
    return this.#inbound.requestId;
  }

  get principal(): Principal {
    return this.#inbound.principal;
  }

  get endpoint(): Endpoint {
    return this.#inbound.endpoint;
  }

  get remoteAddress(): string {
    return this.#inbound.remoteAddress;
  }

  get headers(): ClientHeaders {
    return this.#inbound.request.headers;
  }

  get client(): ClientHop {
    return this.#first.client;
  }

  get logLevel(): string | undefined {
    return this.#first.logLevel;
  }

  get over(): boolean {
    return this.#over;
  }

  /** False while the call is parked. */
  get attached(): boolean {
    return this.#at !== undefined;
  }

  get questions(): readonly Question[] {
    return this.#questions?.all() ?? [];
  }

  notify({ method, params }: OutboundNotification): void {
    const at = this.#at;
    if (!at || this.#over) return;
    const { logLevel } = at.request;
    if (method === 'notifications/message') {
      const level = params && JsonView.of(params).get('level')?.string();
      if (logLevel === undefined || logLevelRank(level) < logLevelRank(logLevel)) return;
    }
    const own = method === 'notifications/progress' && at.request !== this.#first ? this.#retoken(at, params) : params;
    if (own !== undefined || params === undefined) at.reply.send(sseFrame(encodeNotification(method, own)));
  }

  crowded(resume: () => void): boolean {
    return !this.#over && (this.#at?.reply.crowded(resume) ?? false);
  }

  ask(request: InputRequest): Ask {
    const refusal = this.#refusal(request);
    if (refusal) return refusedAsk(refusal);
    this.#questions ??= new Questions(() => this.#allSettled());
    const question = this.#questions.put(request, Date.now() + this.#hooks.askTimeout());
    if (this.#at) this.#armWindow();
    return question;
  }

  /** The request that started the call is answered on this. */
  begin(at: Attachment): void {
    this.#attach(at);
  }

  /**
   * A retry takes the call over. Questions it answers go on; those it leaves open are put again under the same keys;
   * what it answers besides is ignored (M:mrtr).
   */
  adopt(at: Attachment): void {
    this.#attach(at);
    if (this.#settled) {
      this.settle(this.#settled);
      return;
    }
    this.#questions?.answer(at.request.inputResponses);
    if (this.#questions?.size) this.#armWindow();
    else this.#allSettled();
  }

  /** The upstream is done, or failed. */
  settle(settled: Settled): void {
    if (this.#over) return;
    const at = this.#at;
    if (!at) {
      this.#settled = settled;
      this.#questions?.closeAll();
      this.#hooks.keep(this);
      return;
    }
    this.finish();
    this.#hooks.deliver(at, settled);
  }

  override abort(reason: GatewayError): void {
    if (this.#over) return;
    const at = this.#at;
    this.finish();
    if (at && reason.code !== 'CANCELLED') this.#hooks.deliver(at, reason);
    super.abort(reason);
  }

  /** Later notifications and questions have nowhere to go. */
  finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#detach();
    this.#questions?.closeAll();
    this.#release?.();
    this.#hooks.ended(this);
  }

  #attach(at: Attachment): void {
    this.#at = at;
    this.#unwatch = at.reply.onClosed(() => {
      this.abort(new GatewayError('CANCELLED', 'The client closed the connection of its request'));
    });
  }

  #detach(): void {
    clearTimeout(this.#window);
    this.#window = undefined;
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#at = undefined;
  }

  #armWindow(): void {
    this.#window ??= setTimeout(() => this.#windowClosed(), this.#hooks.window);
  }

  #windowClosed(): void {
    this.#window = undefined;
    const at = this.#at;
    if (!at || !this.#questions?.size) return;
    this.#detach();
    this.round++;
    this.#hooks.park(this, at);
  }

  /** With no question left, and somebody who waits for it, the call is no more than any other. */
  #allSettled(): void {
    if (!this.#at) return;
    this.#release?.();
    this.#release = undefined;
  }

  #refusal(request: InputRequest): GatewayError | undefined {
    if (this.#over || this.#settled) {
      return new GatewayError('ASK_UNDELIVERED', `${request.method} did not reach the client: its request is over`);
    }
    const { method } = this.#first.message;
    const asked = { method, capabilities: this.#declared(), open: this.#questions?.size ?? 0 };
    const refusal = askRefusal(asked, request);
    if (refusal) return refusal;
    try {
      this.#release ??= this.#hooks.reserve(this);
      return undefined;
    } catch (thrown) {
      return toGatewayError(thrown);
    }
  }

  /** What the client declares counts for the request it is answered on; while there is none, for the first. */
  #declared(): ClientHop['capabilities'] {
    return (this.#at?.request ?? this.#first).client.capabilities;
  }

  /** Progress carries the token of the request it travels on, which after a retry is another one. */
  #retoken({ request }: Attachment, params: Buffer | undefined): Buffer | undefined {
    if (!params || !request.progressToken) return undefined;
    return splice(params, editMembers(JsonView.of(params), { set: { progressToken: request.progressToken } }));
  }
}
