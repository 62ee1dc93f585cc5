import { GatewayError, type Log, type Outcome } from '#libs/kernel';
import { Draft, JsonView, namedMember } from '#libs/mcp';
import { capabilitiesOf, NO_CAPABILITIES } from '../capabilities.js';
import { Deadline } from '../deadline.js';
import { timedOut } from '../failures.js';
import type { Caller, SessionRequest } from '../upstream-session.js';
import { boundQuestions, type InputRequired, readInputRequired } from './input-required.js';
import { putQuestions } from './questioning.js';

/** Most times one call may ask before it answers. */
const MAX_ROUNDS = 10;
/** Milliseconds before a retry that brings no answers; doubled each time. */
const PACE = { initial: 250, max: 4_000 };

export type Bounded = SessionRequest & { readonly deadline: Deadline };

const EMPTY = Draft.of(Buffer.from('{}'));

export interface InputLoopPort {
  readonly server: string;
  readonly log: Log;
  /** One request, one response; nothing of the gateway's own envelope left to mend. */
  send(request: SessionRequest): Promise<Outcome>;
  /** An elicitation by URL whose id the gateway made up is done. */
  completed(params: Buffer, client: string | undefined): void;
}

/**
 * Brings a request to its end. A modern client sees `input_required` and answers it itself; for any other the questions
 * are put to it within the call, and the request is sent again with the answers, within bounds (M:mrtr).
 */
export class InputLoop {
  constructor(private readonly port: InputLoopPort) {}

  /** A request as it is sent at first: with the time it has in all, and what a retry brings. */
  begin(request: SessionRequest): Bounded {
    const { deadline = new Deadline(request.maxTotal) } = request;
    const { inputResponses, requestState } = request.caller?.resumption ?? {};
    if (inputResponses !== undefined || requestState !== undefined) {
      return { ...request, deadline, params: withAnswers(request.params, inputResponses, requestState) };
    }
    return request.deadline ? (request as Bounded) : { ...request, deadline };
  }

  /**
   * What becomes of a request that was answered so.
   * @throws GatewayError UPSTREAM_PROTOCOL when the result breaks the rules; ASK_*; the exchange's own reason
   */
  async finish(request: Bounded, first: Outcome): Promise<Outcome> {
    const { caller, deadline } = request;
    const ids: string[] = [];
    let outcome = first;
    let pauses = 0;
    for (let round = 0; outcome.kind === 'input_required'; round++) {
      const input = this.#inputRequired(request, JsonView.of(outcome.result));
      if (!caller) throw this.#broken(request, 'asks the gateway itself for input');
      if (caller.relaysInput) return outcome;
      if (round >= MAX_ROUNDS) throw this.#broken(request, `asked for input more than ${MAX_ROUNDS} times`);
      const params = await this.#answered(request, caller, input, ids, () => pauses++);
      if (deadline.left() <= 0) {
        throw timedOut(this.port.server, request, { limit: 'max_total', milliseconds: deadline.total, sent: true });
      }
      outcome = await this.port.send({ ...request, params });
    }
    if (outcome.kind !== 'result' || outcome === first) return outcome;
    this.#completed(ids, caller);
    // What depends on answers is never kept (M:cache).
    return { kind: 'result', result: outcome.result };
  }

  #inputRequired(request: SessionRequest, result: JsonView): InputRequired {
    const { caller, method, subject } = request;
    const type = result.get('resultType');
    if (!type?.equals('input_required')) {
      const shown = type?.raw().toString('utf8', 0, 80);
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

  /** The legacy era announces that an elicitation by URL is done (L:elic). */
  #completed(ids: readonly string[], caller: Caller | undefined): void {
    for (const elicitationId of ids) {
      this.port.completed(Buffer.from(JSON.stringify({ elicitationId })), caller?.exchange.session?.id);
    }
  }

  #broken({ subject }: SessionRequest, text: string): GatewayError {
    const { server } = this.port;
    return new GatewayError('UPSTREAM_PROTOCOL', `${server}: ${subject} ${text}`, { data: { server, subject } });
  }
}

/** Answers and state of a retry in the params; what was there before goes. Both only where there is something to say. */
function withAnswers(
  params: Draft | undefined,
  inputResponses: Buffer | string | undefined,
  requestState: string | undefined,
): Draft {
  const set: Record<string, Buffer | string> = {};
  if (inputResponses !== undefined) set['inputResponses'] = inputResponses;
  if (requestState !== undefined) set['requestState'] = JSON.stringify(requestState);
  return (params ?? EMPTY).with({ set, remove: ['inputResponses', 'requestState'] });
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
