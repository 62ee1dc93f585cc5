import { randomUUID } from 'node:crypto';
import { type Ask, GatewayError, type Log, messageOf, toGatewayError } from '#libs/kernel';
import { editMembers, JsonView, splice } from '#libs/mcp';
import { saidIn } from '../failures.js';
import { withoutHopMeta } from '../params.js';
import type { Caller } from '../upstream-session.js';
import type { Question } from './input-required.js';

const CANCELLED = '{"action":"cancel"}';

export interface Answers {
  /** JSON of `inputResponses`. */
  readonly inputResponses: string;
  /** Ids made up for elicitations by URL; the client is told when they are done. */
  readonly elicitationIds: readonly string[];
}

interface Asked {
  readonly question: Question;
  readonly ask: Ask | undefined;
  readonly failure?: unknown;
}

/**
 * Puts an upstream's questions to the client whose call they belong to, all at once, and waits for all answers. A client
 * that declines has answered. One that fails to answer an elicitation has cancelled it; without a sample or the roots
 * there is nothing to go on with.
 * @throws GatewayError why the call cannot go on; the exchange's own reason when it is aborted
 */
export async function putQuestions(
  server: string,
  questions: readonly Question[],
  caller: Caller,
  log: Log,
): Promise<Answers> {
  const elicitationIds: string[] = [];
  const asked = questions.map((question): Asked => {
    try {
      const params = paramsOf(question, elicitationIds);
      const ask = caller.sink.ask({ method: question.method, ...(params ? { params } : {}), server });
      // Several may fail while only the first is waited for.
      ask.answer.catch(() => {});
      return { question, ask };
    } catch (failure) {
      return { question, ask: undefined, failure };
    }
  });
  let unsubscribe: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    unsubscribe = caller.exchange.onAbort(reject);
  });
  aborted.catch(() => {});
  const open = new Set(asked.flatMap(({ ask }) => ask ?? []));
  try {
    const answers = asked.map(async (one) => {
      const answer = await answerOf(server, one, log);
      if (one.ask) open.delete(one.ask);
      return `${JSON.stringify(one.question.key)}:${answer}`;
    });
    const members = await Promise.race([Promise.all(answers), aborted]);
    return { inputResponses: `{${members.join(',')}}`, elicitationIds };
  } catch (thrown) {
    for (const ask of open) ask.withdraw('The call that asked has ended');
    throw toGatewayError(thrown);
  } finally {
    unsubscribe?.();
  }
}

/** JSON of the answer to one question. */
async function answerOf(server: string, { ask, failure, question }: Asked, log: Log): Promise<string> {
  const { method } = question;
  let error: GatewayError;
  try {
    if (!ask) throw failure;
    const answer = await ask.answer;
    if (answer.kind === 'result') return answer.result.toString();
    const said = saidIn(answer.error);
    const text = `The client answered ${method}, which ${server} asked for, with error ${answer.code} ${said}`;
    error = new GatewayError('ASK_UNDELIVERED', text, { data: { server } });
  } catch (thrown) {
    error = toGatewayError(thrown);
  }
  if (method !== 'elicitation/create' || error.code === 'CANCELLED' || error.code === 'SHUTTING_DOWN') throw error;
  const fields = { upstream: server, code: error.code, reason: messageOf(error) };
  log.info(fields, `A question of ${server} was not answered and counts as cancelled: ${error.message}`);
  return CANCELLED;
}

/** The question's params in the client's era: an elicitation by URL needs an id there (L:elic). */
function paramsOf({ method, params }: Question, elicitationIds: string[]): Buffer | undefined {
  if (!params) return undefined;
  const own = withoutHopMeta(params);
  if (method !== 'elicitation/create') return own;
  const view = JsonView.of(own);
  if (view.get('mode')?.string() !== 'url' || view.get('elicitationId')) return own;
  const id = randomUUID();
  elicitationIds.push(id);
  return splice(own, editMembers(view, { set: { elicitationId: JSON.stringify(id) } }));
}
