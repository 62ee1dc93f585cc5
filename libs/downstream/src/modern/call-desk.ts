import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { GatewayError, type Outcome, type Resumption, Roster, toGatewayError } from '#libs/kernel';
import { type Bytes, namedMember, paramsDigest, type RequestMessage } from '#libs/mcp';
import { McpProxy } from '#libs/proxy';
import type { InboundPost } from '../front.js';
import { errorMessage } from '../http/answers.js';
import { FrontLog } from '../http/front-log.js';
import { FrontPolicy } from '../http/front-policy.js';
import { Refusals } from '../http/refusals.js';
import { Replica } from '../session/replica.js';
import { Sessions } from '../session/sessions.js';
import { cutOff } from '../shutting-down.js';
import { PostReply } from '../streams/post-reply.js';
import { StreamRegistry } from '../streams/stream-registry.js';
import { asOfThisHop, encodeComplete, encodeFailure, encodeInputRequired } from './encode-outcome.js';
import { encodeQuestions } from './encode-questions.js';
import type { ModernRequest } from './envelope.js';
import { checkParams } from './headers.js';
import { type Attachment, type CallHooks, ModernCall, type Settled } from './modern-call.js';
import { ModernTimes } from './modern-times.js';
import { ParkingLot } from './parking-lot.js';
import { RequestStates, type State, type StateBinding, stateInvalid } from './request-state.js';

/** Runs modern requests: first ones start a call, retries go on with one. Every one gets its answer here. */
@Injectable()
export class CallDesk {
  readonly #calls = new Roster<ModernCall>();
  readonly #hooks: CallHooks;

  constructor(
    private readonly proxy: McpProxy,
    sessions: Sessions,
    policy: FrontPolicy,
    private readonly registry: StreamRegistry,
    private readonly states: RequestStates,
    private readonly lot: ParkingLot,
    private readonly replica: Replica,
    private readonly times: ModernTimes,
    private readonly refusals: Refusals,
    private readonly log: FrontLog,
  ) {
    this.#hooks = {
      window: times.window,
      askTimeout: () => policy.limits.ask,
      reserve: (call) => lot.reserve(sessions.ownerOf(call)),
      park: (call, at) => this.#park(call, at),
      deliver: (at, settled) => this.#deliver(at, settled),
      keep: (call) => void lot.park(call, times.keep, () => call.finish()),
      ended: (call) => {
        lot.remove(call);
        this.#calls.remove(call);
      },
    };
  }

  /** Calls whose client waits for an answer. */
  get running(): number {
    let running = 0;
    for (const call of this.#calls.all()) if (call.attached) running++;
    return running;
  }

  /** Calls that wait for their client. */
  get parked(): number {
    return this.lot.size;
  }

  /**
   * Answers a request, now or later.
   * @throws GatewayError while nothing has begun: STATE_INVALID, STATE_LOST, HEADER_MISMATCH, UNKNOWN_*
   */
  run(inbound: InboundPost, request: ModernRequest): Promise<void> | undefined {
    const { requestState } = request;
    const state = requestState === undefined ? undefined : this.states.open(requestState, binding(inbound, request));
    const call = this.exchange(inbound, request, resumptionOf(request, state));
    const parked = state?.kind === 'parked' ? state : undefined;
    const prepared = parked ? this.#readmitted(call, inbound, request, parked) : this.#prepare(call, inbound, request);
    if (prepared) return prepared.then(() => this.#go(call, inbound, request, parked));
    this.#go(call, inbound, request, parked);
    return undefined;
  }

  /** @throws GatewayError STATE_LOST, STATE_INVALID */
  #go(call: ModernCall, inbound: InboundPost, request: ModernRequest, state: ParkedState | undefined): void {
    // Nothing is waited for between finding the call and adopting it: of two retries one is first.
    const parked = state && this.#find(state);
    // Nobody is left to be answered.
    if (inbound.response.destroyed) return;
    const at = { inbound, request, reply: this.#reply(inbound) };
    if (!parked) {
      void this.#start(call, at);
      return;
    }
    this.lot.adopted(parked);
    parked.adopt(at);
  }

  /** An exchange for a request, with nothing running yet. */
  exchange(inbound: InboundPost, request: ModernRequest, resumption?: Resumption): ModernCall {
    const spelling = this.proxy.spelling(request.client.name);
    return new ModernCall(inbound, request, this.#hooks, { spelling, resumption });
  }

  /** Aborts whatever still runs or is parked: the last step of a shutdown. */
  abortAll(): void {
    const reason = cutOff();
    for (const call of this.#calls.all()) call.abort(reason);
  }

  /** Never rejects: whatever becomes of the call is its answer. */
  async #start(call: ModernCall, at: Attachment): Promise<void> {
    this.#calls.add(call);
    this.log.began(call.client);
    call.begin(at);
    let settled: Settled;
    try {
      settled = await this.#handle(call, at.request);
    } catch (thrown) {
      settled = toGatewayError(thrown);
    }
    call.settle(settled);
  }

  #handle(call: ModernCall, { message }: ModernRequest): Promise<Outcome> | Outcome {
    if (message.method !== 'server/discover') return this.proxy.handle(call, message);
    return { kind: 'result', result: this.proxy.discoverResult(call) };
  }

  /**
   * Upstreams may still be connecting, or never have been asked what a client with these capabilities gets. Lists and
   * `server/discover` wait for them, and so does what would otherwise be unknown; all of it within bounds. Undefined where
   * nothing has to be waited for.
   * @throws GatewayError HEADER_MISMATCH when headers a tool declares do not agree with the arguments
   */
  #prepare(call: ModernCall, { request }: InboundPost, { message }: ModernRequest): Promise<void> | undefined {
    switch (message.method) {
      case 'completion/complete':
        return undefined;
      case 'tools/call': {
        const name = message.params?.get('name')?.string() ?? '';
        const declared = this.proxy.paramHeaders(call, name);
        if (!declared) return this.#prepareTool(call, request, message, name);
        checkParams(request, message, declared);
        return undefined;
      }
      default:
        return this.#isKnown(call, message) ? undefined : this.proxy.warm(call, message);
    }
  }

  async #prepareTool(call: ModernCall, request: IncomingMessage, message: RequestMessage, name: string): Promise<void> {
    await this.proxy.warm(call, message);
    const declared = this.proxy.paramHeaders(call, name);
    if (declared) checkParams(request, message, declared);
  }

  /** Lists and the like always depend on what upstreams offer. */
  #isKnown(call: ModernCall, message: RequestMessage): boolean {
    if (namedMember(message.method) === undefined) return false;
    try {
      this.proxy.target(call, message);
      return true;
    } catch {
      return false;
    }
  }

  /** @throws GatewayError STATE_LOST, STATE_INVALID, and what is said to somebody who may not use this any more */
  async #readmitted(
    probe: ModernCall,
    inbound: InboundPost,
    request: ModernRequest,
    state: ParkedState,
  ): Promise<void> {
    await this.#prepare(probe, inbound, request);
    const call = this.#find(state);
    const { target, judging } = this.proxy.readmit(probe, request.message, call);
    if (target !== call.target) throw stateInvalid();
    await judging;
  }

  /** @throws GatewayError STATE_LOST, STATE_INVALID */
  #find(state: ParkedState): ModernCall {
    const call = state.replica === this.replica.id ? this.lot.find(state.call) : undefined;
    if (!call) throw stateLost();
    if (call.attached || call.round !== state.round) throw stateInvalid();
    return call;
  }

  #park(call: ModernCall, at: Attachment): void {
    const { inbound, request, reply } = at;
    const { questions } = call;
    try {
      call.target ??= this.proxy.target(call, request.message);
      const lifetime = Math.min(...questions.map(({ deadline }) => deadline)) - Date.now();
      const id = this.lot.park(call, lifetime, () => call.abort(unanswered(questions.length)));
      const state: State = { kind: 'parked', replica: this.replica.id, call: id, round: call.round };
      // A result may be fetched even when it comes at the last moment.
      const sealed = this.states.seal(state, binding(inbound, request), lifetime + this.times.keep);
      reply.answer(encodeQuestions(request.message.idJson, questions, sealed, this.proxy.identity));
    } catch (thrown) {
      const error = toGatewayError(thrown);
      call.abort(error);
      this.#fail(at, error);
    }
  }

  #deliver(at: Attachment, settled: Settled): void {
    const { request, reply } = at;
    try {
      if (settled instanceof GatewayError) throw asOfThisHop(settled, request.client);
      reply.answer(this.#encode(at, settled));
    } catch (thrown) {
      this.#fail(at, toGatewayError(thrown));
    }
  }

  #encode({ inbound, request }: Attachment, outcome: Outcome): Bytes {
    const { identity } = this.proxy;
    switch (outcome.kind) {
      case 'result':
        return encodeComplete(request, outcome, identity);
      case 'error':
        return encodeFailure(request, outcome);
      case 'input_required':
        return encodeInputRequired(request, outcome, identity, (state) => {
          const relayed: State = { kind: 'relayed', server: outcome.server, state };
          return this.states.seal(relayed, binding(inbound, request), this.times.state);
        });
    }
  }

  #fail({ inbound, request, reply }: Attachment, error: GatewayError): void {
    this.log.answered(error, inbound.requestId, request.message.method);
    const message = errorMessage(error, request.message.idJson, inbound.requestId, 'modern');
    reply.answer(message, this.refusals.of({ ...inbound, error }));
  }

  #reply({ response, accepted }: InboundPost): PostReply {
    return new PostReply(response, accepted, this.registry);
  }
}

type ParkedState = Extract<State, { kind: 'parked' }>;

function binding({ principal, endpoint }: InboundPost, { message }: ModernRequest): StateBinding {
  const digest = message.params ? paramsDigest(message.params).toString('base64url') : '';
  return { principal, endpoint, method: message.method, digest };
}

function resumptionOf({ inputResponses }: ModernRequest, state: State | undefined): Resumption | undefined {
  const relayed = state?.kind === 'relayed' ? { requestState: state.state, server: state.server } : undefined;
  if (!relayed && !inputResponses) return undefined;
  return { ...(inputResponses && { inputResponses: inputResponses.raw() }), ...relayed };
}

function stateLost(): GatewayError {
  return new GatewayError(
    'STATE_LOST',
    'The call this requestState belongs to is gone: it ended, expired, or the gateway restarted; call again',
    { data: { reason: 'state_lost' } },
  );
}

function unanswered(questions: number): GatewayError {
  const what = questions === 1 ? 'the question' : `one of ${questions} questions`;
  return new GatewayError('ASK_TIMEOUT', `The client did not answer ${what} of this call in time (server.limits.ask)`);
}
