import { type ClientHop, GatewayError, isObject, type Outcome } from '#libs/kernel';
import {
  type Bytes,
  CACHEABLE_METHODS,
  editMembers,
  encodeError,
  encodeResult,
  errorObject,
  JsonView,
  splice,
  withResultMembers,
} from '#libs/mcp';
import { missing, neededFor } from './capabilities.js';
import type { ModernRequest } from './envelope.js';

/** Codes that speak of one hop only, or that modern peers must not see (M:base). The proxy has put the others right. */
const NEVER_RELAYED: ReadonlySet<number> = new Set([-32_002, -32_020, -32_021, -32_022, -32_042]);

type Result = Extract<Outcome, { kind: 'result' }>;
type InputRequired = Extract<Outcome, { kind: 'input_required' }>;

/** A complete result as a modern client gets it. */
export function encodeComplete(
  { message, inputResponses, requestState }: ModernRequest,
  outcome: Result,
  serverInfo: string,
): Bytes {
  // What a retry was answered is nobody's to keep (M:cache).
  const retry = inputResponses !== undefined || requestState !== undefined;
  const { ttl, scope } = (!retry && outcome.freshness) || { ttl: 0, scope: 'private' as const };
  const own = { resultType: 'complete', serverInfo, fresh: outcome.own === true } as const;
  const members = CACHEABLE_METHODS.has(message.method) ? { ...own, ttlMs: ttl, cacheScope: scope } : own;
  return encodeResult(message.idJson, withResultMembers(outcome.result, members));
}

export function encodeFailure(
  { message }: ModernRequest,
  { code, error }: Extract<Outcome, { kind: 'error' }>,
): Buffer {
  if (!NEVER_RELAYED.has(code)) return encodeError(message.idJson, error);
  const text = JsonView.of(error).get('message')?.string() ?? 'The server failed';
  return encodeError(message.idJson, errorObject(-32603, text));
}

/**
 * Questions of a modern upstream. `seal` wraps its `requestState`; without one the client gets none (M:mrtr).
 * @throws GatewayError CAPABILITY_REQUIRED when it asks what this client cannot be asked, UPSTREAM_PROTOCOL
 */
export function encodeInputRequired(
  { message, client }: ModernRequest,
  { result, server }: InputRequired,
  serverInfo: string,
  seal: (state: string) => string,
): Bytes {
  const view = JsonView.of(result);
  const requests = view.get('inputRequests');
  const state = view.get('requestState')?.string();
  if (requests === undefined && state === undefined) {
    throw new GatewayError(
      'UPSTREAM_PROTOCOL',
      `${server} wants input but neither asks anything nor says how to go on`,
      {
        data: { server },
      },
    );
  }
  checkAskable(requests, client);
  const edits = editMembers(view, {
    ...(state !== undefined && { set: { requestState: JSON.stringify(seal(state)) } }),
    remove: ['requestState'],
  });
  return encodeResult(
    message.idJson,
    withResultMembers(splice(result, edits), { resultType: 'input_required', serverInfo }),
  );
}

function checkAskable(requests: JsonView | undefined, { capabilities }: ClientHop): void {
  for (const { value } of requests?.members() ?? []) {
    const needed = neededFor(value.get('method')?.string() ?? '', value.get('params'));
    const lacking = needed && missing(needed, capabilities);
    if (!lacking) continue;
    throw new GatewayError(
      'CAPABILITY_REQUIRED',
      `The server has a question this client cannot be asked: it did not declare ${Object.keys(lacking).join(', ')}`,
      { data: { requiredCapabilities: lacking } },
    );
  }
}

/**
 * An upstream's complaint about missing capabilities is about its own hop: only what this client did not declare is
 * passed on, and when that is nothing the client is not to blame.
 */
export function asOfThisHop(error: GatewayError, { capabilities }: ClientHop): GatewayError {
  if (error.code !== 'CAPABILITY_REQUIRED') return error;
  const { requiredCapabilities } = error.data;
  const lacking = isObject(requiredCapabilities) ? missing(requiredCapabilities, capabilities) : undefined;
  if (lacking) return new GatewayError(error.code, error.message, { data: { requiredCapabilities: lacking } });
  return new GatewayError('UPSTREAM_PROTOCOL', 'The server misses a client capability that was declared to it', {
    cause: error,
  });
}
