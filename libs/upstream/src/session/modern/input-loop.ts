import { GatewayError, type Log, type Outcome } from '#libs/kernel';
import { asLegacyResult, CACHEABLE_METHODS, type Draft, JsonView, namedMember } from '#libs/mcp';
import { capabilitiesOf, NO_CAPABILITIES } from '../capabilities.js';
import { Deadline } from '../deadline.js';
import { timedOut } from '../failures.js';
import type { Caller, SessionRequest } from '../upstream-session.js';
import { freshnessOf } from './discovered.js';
import { boundQuestions, type InputRequired, readInputRequired } from './input-required.js';
import { withAnswers } from './outgoing.js';
import { putQuestions } from './questioning.js';

/** Most times one call may ask before it answers. */
const MAX_ROUNDS = 10;
/** Milliseconds before a retry that brings no answers; doubled each time. */
const PACE = { initial: 250, max: 4_000 };

type Bounded = SessionRequest & { readonly deadline: Deadline };

export interface InputLoopPort {
  readonly server: string;
  readonly log: Log;
  /** One request, one response; nothing of the gateway's own envelope left to mend. */
  send(request: SessionRequest): Promise<Outcome>;
  /** An elicitation by URL whose id the gateway made up is done. */
  completed(params: Buffer, client: string | undefined): void;
}

/**
 * Runs a request to its end. A modern client sees `input_required` and answers it itself; for any other the questions
 * are put to it within the call, and the request is sent again with the answers, within bounds (M:mrtr).
 */
export class InputLoop {
  constructor(private readonly port: InputLoopPort) {}

  /** @throws GatewayError UPSTREAM_PROTOCOL when the result breaks the rules; ASK_*; the exchange's own reason */
  async run(sent: SessionRequest): Promise<Outcome> {
    const deadline = sent.deadline ?? new Deadline(sent.maxTotal);
    const request = sent.deadline ? (sent as Bounded) : { ...sent, deadline };
    const { caller } = request;
    const { resumption } = caller ?? {};
    const ids: string[] = [];
    let params =
      resumption && (resumption.inputResponses !== undefined || resumption.requestState !== undefined)
        ? withAnswers(request.params, resumption.inputResponses, resumption.requestState)
        : request.params;
    const repeats = params !== request.params;
    let pauses = 0;
    for (let round = 0; ; round++) {
      const outcome = await this.port.send(params === request.params ? request : { ...request, params });
      if (outcome.kind !== 'result') return outcome;
      const result = JsonView.of(outcome.result);
      const type = result.get('resultType');
      if (type === undefined || type.string() === 'complete') {
        this.#complete(ids, caller);
        return this.#result(request, outcome.result, result, repeats || round > 0);
      }
      const input = this.#inputRequired(request, result, type);
      if (!caller) throw this.#broken(request, 'asks the gateway itself for input');
      if (caller.relaysInput) return { kind: 'input_required', result: outcome.result, server: this.port.server };
      if (round >= MAX_ROUNDS) throw this.#broken(request, `asked for input more than ${MAX_ROUNDS} times`);
      params = await this.#answered(request, caller, input, ids, () => pauses++);
      if (deadline.left() <= 0) {
        throw timedOut(this.port.server, request, { limit: 'max_total', milliseconds: deadline.total, sent: true });
      }
    }
  }

  #inputRequired(request: SessionRequest, result: JsonView, type: JsonView): InputRequired {
    const { caller, method, subject } = request;
    if (type.string() !== 'input_required') {
      const shown = type.raw().toString('utf8', 0, 80);
      throw this.#broken(request, `answered with the unknown resultType ${shown}`);
    }
    if (namedMember(method) === undefined) throw this.#broken(request, `must not ask for input in ${method}`);
    const declared = caller ? capabilitiesOf(caller.exchange.client) : NO_CAPABILITIES;
    return readInputRequired(this.port.server, subject, result, declared);
  }

  /** Params of the retry: the answers and the state of this round, and of no other. */
  async #answered(
    request: Bounded,
    caller: Caller,
    { questions, requestState }: InputRequired,
    ids: string[],
    pause: () => number,
  ): Promise<Draft> {
    const { log, server } = this.port;
    if (questions.length === 0) {
      await waited(Math.min(PACE.max, PACE.initial * 2 ** pause(), Math.max(0, request.deadline.left())), caller);
      return withAnswers(request.params, undefined, requestState);
    }
    boundQuestions(server, request.subject, questions);
    request.deadline.questionOpened();
    try {
      const { elicitationIds, inputResponses } = await putQuestions(server, questions, caller, log);
      ids.push(...elicitationIds);
      return withAnswers(request.params, inputResponses, requestState);
    } finally {
      request.deadline.questionClosed();
    }
  }

  #result(request: SessionRequest, bytes: Buffer, result: JsonView, answered: boolean): Outcome {
    const { caller, method } = request;
    const legacy = caller?.exchange.client.era === 'legacy';
    const kept = legacy ? asLegacyResult(bytes) : bytes;
    // What depends on answers is never kept (M:cache).
    if (!CACHEABLE_METHODS.has(method) || answered) return { kind: 'result', result: kept };
    return { kind: 'result', result: kept, freshness: freshnessOf(result) };
  }

  /** The legacy era announces that an elicitation by URL is done (L:elic). */
  #complete(ids: readonly string[], caller: Caller | undefined): void {
    for (const elicitationId of ids) {
      this.port.completed(Buffer.from(JSON.stringify({ elicitationId })), caller?.exchange.session?.id);
    }
  }

  #broken({ subject }: SessionRequest, text: string): GatewayError {
    const { server } = this.port;
    return new GatewayError('UPSTREAM_PROTOCOL', `${server}: ${subject} ${text}`, { data: { server, subject } });
  }
}

async function waited(milliseconds: number, caller: Caller): Promise<void> {
  let unsubscribe: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(resolve, milliseconds);
      unsubscribe = caller.exchange.onAbort(reject);
    });
  } finally {
    clearTimeout(timer);
    unsubscribe?.();
  }
}
