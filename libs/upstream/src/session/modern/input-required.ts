import { GatewayError } from '#libs/kernel';
import type { JsonView } from '#libs/mcp';
import type { ClientCapabilities } from '../capabilities.js';

/** Most questions of one round that the gateway puts to a client itself. */
const MAX_QUESTIONS = 16;

export interface Question {
  readonly key: string;
  readonly method: string;
  readonly params: JsonView | undefined;
}

/** What an upstream wants to know before it goes on. */
export interface InputRequired {
  readonly questions: readonly Question[];
  /** To be sent back as it is. */
  readonly requestState: string | undefined;
}

/**
 * Reads an `input_required` result and holds it against the rules (M:mrtr): something to answer or to send back, only
 * known questions, none the client did not declare.
 * @throws GatewayError UPSTREAM_PROTOCOL
 */
export function readInputRequired(
  server: string,
  subject: string,
  result: JsonView,
  declared: ClientCapabilities,
): InputRequired {
  const broken = (text: string) =>
    new GatewayError('UPSTREAM_PROTOCOL', `${server}: ${subject} answered input_required ${text}`, {
      data: { server, subject },
    });
  const requests = result.get('inputRequests');
  const state = result.get('requestState');
  if (requests && requests.type !== 'object') throw broken('with inputRequests that are not an object');
  if (state && state.type !== 'string') throw broken('with a requestState that is not a string');
  if (!requests && !state) throw broken('without inputRequests and without requestState');
  const questions = (requests?.members() ?? []).map(({ key, value }): Question => {
    const method = value.get('method')?.string() ?? '';
    const params = value.get('params');
    const refusal = refusalOf(method, params, declared);
    if (refusal !== undefined) throw broken(refusal);
    return { key, method, params };
  });
  if (questions.length === 0 && !state) throw broken('with nothing to answer and without requestState');
  return { questions, requestState: state?.string() };
}

/** @throws GatewayError UPSTREAM_PROTOCOL when there are more questions than anybody should be asked at once */
export function boundQuestions(server: string, subject: string, questions: readonly Question[]): void {
  if (questions.length <= MAX_QUESTIONS) return;
  const text = `${server}: ${subject} asks ${questions.length} questions at once; ${MAX_QUESTIONS} are allowed`;
  throw new GatewayError('UPSTREAM_PROTOCOL', text, { data: { server, subject } });
}

function refusalOf(method: string, params: JsonView | undefined, declared: ClientCapabilities): string | undefined {
  const undeclared = (what: string) => `for ${what}, which was not declared`;
  switch (method) {
    case 'elicitation/create': {
      const mode = params?.get('mode')?.string() ?? 'form';
      if (mode === 'form') return declared.elicitationForm ? undefined : undeclared('elicitation of forms');
      if (mode === 'url') return declared.elicitationUrl ? undefined : undeclared('elicitation of URLs');
      return `for an elicitation of unknown mode ${JSON.stringify(mode.slice(0, 40))}`;
    }
    case 'sampling/createMessage': {
      if (!declared.sampling) return undeclared('sampling');
      const tools = params?.get('tools') ?? params?.get('toolChoice');
      return tools && !declared.samplingTools ? undeclared('sampling with tools') : undefined;
    }
    case 'roots/list':
      return declared.roots ? undefined : undeclared('roots');
    default:
      return `with the unknown question ${JSON.stringify(method.slice(0, 80))}`;
  }
}
