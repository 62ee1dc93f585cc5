import { Injectable } from '@nestjs/common';
import { GatewayError, type Outcome, toGatewayError } from '#libs/kernel';
import { type Bytes, EnvelopeError, encodeError, encodeResult, type RequestMessage } from '#libs/mcp';
import { McpProxy } from '#libs/proxy';
import type { InboundPost } from '../front.js';
import { errorMessage } from '../http/answers.js';
import { FrontLog } from '../http/front-log.js';
import { FrontPolicy } from '../http/front-policy.js';
import { Refusals } from '../http/refusals.js';
import type { SessionOverlay } from '../session/overlay.js';
import type { PostReply } from '../streams/post-reply.js';
import { type ExchangeHooks, LegacyExchange } from './legacy-exchange.js';

/** Most requests one session may have in flight. */
const MAX_RUNNING = 1_000;

/** Runs a session's requests: `ping` here, everything else through the proxy, each at most once per id. */
@Injectable()
export class RequestRunner {
  readonly #hooks: ExchangeHooks = {
    askTimeout: () => this.policy.limits.ask,
    gaveUp: (exchange, reason) => {
      exchange.overlay.running.delete(exchange.request.idJson);
      if (reason.code === 'CANCELLED') exchange.reply.skip();
      else this.#fail(exchange, reason);
    },
  };

  constructor(
    private readonly proxy: McpProxy,
    private readonly policy: FrontPolicy,
    private readonly refusals: Refusals,
    private readonly log: FrontLog,
  ) {}

  /** Never throws: whatever goes wrong is this request's answer. */
  run(inbound: InboundPost, overlay: SessionOverlay, request: RequestMessage, reply: PostReply): void {
    const refusal = this.#refusal(overlay, request);
    if (refusal) this.refuse(inbound, refusal, reply, request.idJson);
    else if (request.method === 'ping') reply.answer(encodeResult(request.idJson, '{}'));
    else void this.#run(new LegacyExchange(inbound, overlay, request, reply, this.#hooks));
  }

  async #run(exchange: LegacyExchange): Promise<void> {
    const { overlay, request, reply } = exchange;
    const { idJson } = request;
    overlay.running.set(idJson, exchange);
    this.log.began(exchange.client);
    let answer: Bytes | GatewayError;
    try {
      answer = encodeOutcome(idJson, await this.proxy.handle(exchange, request));
    } catch (thrown) {
      answer = toGatewayError(thrown);
    }
    // Aborted meanwhile, it has had its answer, and its id may be another request's by now.
    if (exchange.over) return;
    overlay.running.delete(idJson);
    exchange.finish();
    if (answer instanceof GatewayError) this.#fail(exchange, answer);
    else reply.answer(answer);
  }

  /** Answers something that could not even be run. */
  refuse(inbound: InboundPost, error: GatewayError, reply: PostReply, idJson?: string): void {
    this.log.failed(error, inbound.requestId);
    const id = idJson ?? (error instanceof EnvelopeError ? error.idJson : undefined) ?? null;
    reply.answer(errorMessage(error, id, inbound.requestId), this.refusals.of({ ...inbound, error }));
  }

  /** `notifications/cancelled`, from whichever connection; false when no such request is running here. */
  cancel(overlay: SessionOverlay, idJson: string): boolean {
    const running = overlay.running.get(idJson);
    running?.abort(new GatewayError('CANCELLED', 'The client cancelled the request'));
    return running !== undefined;
  }

  #fail({ inbound, request, reply }: LegacyExchange, error: GatewayError): void {
    this.log.answered(error, inbound.requestId, request.method);
    const message = errorMessage(error, request.idJson, inbound.requestId);
    reply.answer(message, this.refusals.of({ ...inbound, error }));
  }

  #refusal(overlay: SessionOverlay, request: RequestMessage): GatewayError | undefined {
    if (request.method === 'initialize') {
      return new GatewayError('INVALID_REQUEST', 'initialize must be sent on its own, not in a batch');
    }
    if (overlay.running.has(request.idJson)) {
      return new GatewayError('INVALID_REQUEST', 'A request with this id is still in flight in this session');
    }
    if (overlay.running.size >= MAX_RUNNING) {
      return new GatewayError('STREAM_LIMIT', `This session has ${MAX_RUNNING} requests in flight; wait for some`);
    }
    return undefined;
  }
}

function encodeOutcome(idJson: string, outcome: Outcome): Bytes {
  switch (outcome.kind) {
    case 'result':
      return encodeResult(idJson, outcome.result);
    case 'error':
      return encodeError(idJson, outcome.error);
    case 'input_required':
      throw new GatewayError('INTERNAL', 'A legacy client was handed a question it cannot be asked this way');
  }
}
