import type { Outcome } from '../ledger/call.js';
import type { Posted } from './post.js';

interface Response {
  readonly id?: unknown;
  readonly method?: string;
  readonly result?: ToolResult;
  /** A word where the refusal is OAuth's (RFC 6750). */
  readonly error?: RpcFailure | string;
}

/** OAuth's words for errors of the catalogue. */
const OAUTH: Readonly<Record<string, string>> = {
  unauthorized: 'UNAUTHENTICATED',
  invalid_token: 'TOKEN_INVALID',
  invalid_request: 'CREDENTIALS_MALFORMED',
  insufficient_scope: 'INSUFFICIENT_SCOPE',
  access_denied: 'ACCESS_DENIED',
};

interface ToolResult {
  readonly content?: readonly { readonly text?: string }[];
  readonly isError?: boolean;
}

interface RpcFailure {
  readonly message?: string;
  readonly data?: { readonly code?: string; readonly mayHaveExecuted?: boolean };
}

/** What an exchange means for the call with this id. */
export function outcomeOf(posted: Posted | Outcome, id: number | string): Outcome {
  if ('kind' in posted) return posted;
  let seen: Response[];
  try {
    seen = posted.messages.map((text) => JSON.parse(text) as Response);
  } catch {
    return { kind: 'broken', said: `no JSON: ${posted.messages.join(' ').slice(0, 200)}` };
  }
  const responses = seen.filter((message) => message.method === undefined);
  const [response] = responses;
  if (!response || responses.length > 1) {
    return { kind: 'broken', said: `${responses.length} responses with status ${posted.status}` };
  }
  const { error } = response;
  if (typeof error === 'string') return { kind: 'error', code: OAUTH[error], said: error };
  if (error) return failure(error);
  if (response.id !== id) return { kind: 'answer', text: `for the request ${JSON.stringify(response.id)}, not ${id}` };
  return resultOf(response.result ?? {});
}

export function resultOf({ content = [], isError }: ToolResult): Outcome {
  const text = content.map((block) => block.text ?? '').join('');
  return isError ? { kind: 'error', code: undefined, said: text } : { kind: 'answer', text };
}

export function failure({ message = '', data }: RpcFailure): Outcome {
  const ran = data?.mayHaveExecuted;
  return { kind: 'error', code: data?.code, said: message, ...(ran === undefined ? {} : { mayHaveRun: ran }) };
}
