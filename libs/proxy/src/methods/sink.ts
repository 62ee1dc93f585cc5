import type { View } from '#libs/catalogue';
import { type Ask, type Exchange, GatewayError, type InputRequest, type Outcome } from '#libs/kernel';
import {
  atLeast,
  downgradeElicitation,
  editMembers,
  hasMultiSelect,
  JsonView,
  logLevelRank,
  rewriteAskUris,
  rewriteResultUris,
  splice,
  VENDOR_META_PREFIX,
  withoutHopMeta,
} from '#libs/mcp';
import type { CallSink } from '#libs/upstream';

export const SERVER_META_KEY = `${VENDOR_META_PREFIX}server`;

export interface SinkSettings {
  readonly exchange: Exchange;
  readonly view: View;
  readonly server: string;
  /** JSON of the client's progress token; absent when it wants no progress. */
  readonly progressToken: Buffer | undefined;
  /** Least severe level the client wants; undefined: it never said, the upstream decides. */
  readonly logLevel: () => string | undefined;
}

/** What an upstream tells the caller, turned into the caller's terms. */
export function callSink(settings: SinkSettings): CallSink {
  const { exchange, progressToken } = settings;
  return {
    progress(params) {
      if (!progressToken) return;
      const own = withoutHopMeta(params);
      const edits = editMembers(JsonView.of(own), { set: { progressToken } });
      exchange.notify({ method: 'notifications/progress', params: splice(own, edits) });
    },
    log(params) {
      if (!passesLevel(params, settings.logLevel())) return;
      exchange.notify({ method: 'notifications/message', params: withoutHopMeta(params) });
    },
    ask: (request) => forwardAsk(request, exchange, settings.view, settings.server),
  };
}

/** Whether a log message is severe enough for a client that set this level. */
export function passesLevel(params: Buffer, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  return logLevelRank(JsonView.of(params).get('level')?.string()) >= logLevelRank(wanted);
}

/** Who is asked: an exchange, or a session outside of any. */
export type Asked = Pick<Exchange, 'client' | 'endpoint' | 'ask'>;

/** Puts an upstream's question to a client in the client's terms, and the answer in the upstream's. */
export function forwardAsk(request: InputRequest, asked: Asked, view: View, server: string): Ask {
  const { method } = request;
  let { params } = request;
  if (params && method === 'elicitation/create') {
    const { version } = asked.client;
    const obstacle = atLeast(version, '2025-11-25') ? undefined : obstacleOf(params);
    if (obstacle !== undefined) return unsupported(`${method}: a client of ${version} cannot show ${obstacle}`);
    params = downgradeElicitation(params, version);
  }
  const aggregated = asked.endpoint.kind !== 'server';
  if (params && aggregated) {
    params = rewriteAskUris(params, (uri) => view.exposeUri(server, uri));
    params = nameTheServer(params, method, server);
  }
  const ask = asked.ask({ ...request, ...(params && { params }) });
  const restore = aggregated ? (uri: string) => view.restoreUri(server, uri) ?? uri : undefined;
  return derived(
    ask.answer.then((outcome) => answerFor(method, outcome, restore)),
    (reason) => ask.withdraw(reason),
  );
}

/** URIs the client's model got from this server go back to it in the server's own spelling. */
function answerFor(method: string, outcome: Outcome, restore: ((uri: string) => string) | undefined): Outcome {
  if (outcome.kind === 'error') return outcome;
  const result = withoutHopMeta(outcome.result);
  const sampled = restore && method === 'sampling/createMessage';
  return { kind: 'result', result: sampled ? rewriteResultUris(method, result, restore) : result };
}

/** What clients before 2025-11-25 do not know in an elicitation, if it is in there. */
function obstacleOf(params: Buffer): string | undefined {
  if (JsonView.of(params).get('mode')?.string() === 'url') return 'a URL to visit';
  return hasMultiSelect(params) ? 'a choice of several values' : undefined;
}

/** What an older client cannot show counts as a capability it does not have. */
function unsupported(reason: string): Ask {
  return derived(Promise.reject(new GatewayError('ASK_UNSUPPORTED', reason)), () => {});
}

/** Whoever withdraws a question may not look at its answer any more. */
function derived(answer: Promise<Outcome>, withdraw: Ask['withdraw']): Ask {
  answer.catch(() => {});
  return { answer, withdraw };
}

/**
 * Behind an aggregate people cannot see who asks, and must (M:elic): elicitations name the server in their
 * message, and every question in `_meta`. `includeContext` would mean the gateway here, so it is dropped.
 */
function nameTheServer(params: Buffer, method: string, server: string): Buffer {
  const view = JsonView.of(params);
  const set: Record<string, string> = {};
  const message = method === 'elicitation/create' ? view.get('message')?.string() : undefined;
  if (message !== undefined) set['message'] = JSON.stringify(`[${server}] ${message}`);
  const meta = view.get('_meta');
  const named = { [SERVER_META_KEY]: JSON.stringify(server) };
  if (meta?.type === 'object') {
    const outer = editMembers(view, { set, remove: ['includeContext'] });
    return splice(params, [...outer, ...editMembers(meta, { set: named })]);
  }
  set['_meta'] = JSON.stringify({ [SERVER_META_KEY]: server });
  return splice(params, editMembers(view, { set, remove: ['includeContext'] }));
}

/** Whether a tool call went wrong, as a protocol error or as a result that says so. */
export function isError(outcome: Outcome): boolean {
  if (outcome.kind === 'error') return true;
  return outcome.result.includes('"isError"') && JsonView.of(outcome.result).get('isError')?.value() === true;
}
