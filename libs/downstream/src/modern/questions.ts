import { type Ask, type ClientHop, GatewayError, type InputRequest } from '#libs/kernel';
import { JsonView } from '#libs/mcp';
import { missing, neededFor } from './capabilities.js';
import { mayAsk } from './methods.js';
import { Question } from './question.js';

/** Most questions one call may have open. */
const MAX_OPEN = 64;

/** The open questions of one call, under keys that stay theirs however often they are put. */
export class Questions {
  readonly #open = new Map<string, Question>();
  #minted = 0;

  /** `onEmpty` runs when the last one was settled. */
  constructor(private readonly onEmpty: () => void) {}

  get size(): number {
    return this.#open.size;
  }

  all(): readonly Question[] {
    return [...this.#open.values()];
  }

  /** `deadline` in milliseconds since the epoch. */
  put(request: InputRequest, deadline: number): Question {
    const question = new Question(`input-${++this.#minted}`, request, deadline, ({ key }) => {
      this.#open.delete(key);
      if (this.#open.size === 0) this.onEmpty();
    });
    this.#open.set(question.key, question);
    return question;
  }

  /** Takes a retry's `inputResponses`. What answers no open question, or is no object, is left alone (M:mrtr). */
  answer(responses: JsonView | undefined): void {
    for (const { key, value } of responses?.members() ?? []) {
      // A copy, so that an answer that waits does not keep the whole body.
      if (value.type === 'object') this.#open.get(key)?.answered(Buffer.from(value.raw()));
    }
  }

  closeAll(): void {
    for (const question of this.all()) question.withdraw('the request it belongs to is over');
  }
}

/** Why a question cannot be put in answer to this request of this client; undefined when it can. */
export function askRefusal(
  asked: { readonly method: string; readonly capabilities: ClientHop['capabilities']; readonly open: number },
  { method, params, server }: InputRequest,
): GatewayError | undefined {
  const refuse = (code: 'ASK_UNDELIVERED' | 'ASK_UNSUPPORTED', why: string) =>
    new GatewayError(code, `${method} did not reach the client: ${why}`, { data: { server } });
  if (!mayAsk(asked.method)) return refuse('ASK_UNSUPPORTED', `${asked.method} cannot be answered with a question`);
  const needed = neededFor(method, params && JsonView.of(params));
  if (!needed) return refuse('ASK_UNSUPPORTED', 'it is no question MCP knows');
  const lacking = missing(needed, asked.capabilities);
  if (lacking) return refuse('ASK_UNSUPPORTED', `it did not declare ${Object.keys(lacking).join(', ')}`);
  return asked.open >= MAX_OPEN ? refuse('ASK_UNDELIVERED', `${MAX_OPEN} questions are open already`) : undefined;
}

/** A question that was not even put. */
export function refusedAsk(reason: GatewayError): Ask {
  const answer = Promise.reject(reason);
  answer.catch(() => {});
  return { answer, withdraw() {} };
}
