import type { View } from '#libs/catalogue';
import { type Answer, type Ask, type Exchange, GatewayError, type InputRequest, type Outcome } from '#libs/kernel';
import {
  atLeast,
  downgradeElicitation,
  editMembers,
  HOP_META_KEYS,
  hasMultiSelect,
  JsonView,
  rewriteAskUris,
  rewriteResultUris,
  splice,
  VENDOR_META_PREFIX,
} from '#libs/mcp';
import type { CallSink } from '#libs/upstream';

export const SERVER_META_KEY = `${VENDOR_META_PREFIX}server`;

export interface SinkSettings {
  readonly exchange: Exchange;
  readonly view: View;
  readonly server: string;
  /** JSON of the client's progress token; absent when it wants no progress. */
  readonly progressToken: Buffer | undefined;
  /** Whether the client wants a log message. */
  readonly wantsLog: (params: Buffer) => boolean;
}

/** What an upstream tells the caller, turned into the caller's terms. */
export function callSink(settings: SinkSettings): CallSink {
  const { exchange, progressToken } = settings;
  return {
    progress(params) {
      if (!progressToken) return;
      const edits = editMembers(JsonView.of(params), { set: { progressToken } });
      exchange.notify({ method: 'notifications/progress', params: splice(params, edits) });
    },
    log(params) {
      if (settings.wantsLog(params)) exchange.notify({ method: 'notifications/message', params });
    },
    ask: (request) => forwardAsk(request, exchange, settings.view, settings.server),
  };
}

/** Who is asked: an exchange, or a session outside of any. */
export type Asked = Pick<Exchange, 'client' | 'endpoint' | 'ask'>;

/** Puts an upstream's question to a client in the client's terms. */
export function forwardAsk(request: InputRequest, asked: Asked, view: View, server: string): Ask {
  if (request.params === undefined) return asked.ask(request);
  const { version } = asked.client;
  if (request.method === 'elicitation/create' && !atLeast(version, '2025-11-25') && hasMultiSelect(request.params)) {
    return unsupported(request, version);
  }
  const ask = asked.ask({ ...request, params: askParams(request.params, request.method, asked, view, server) });
  if (request.method !== 'sampling/createMessage' || asked.endpoint.kind === 'server') return ask;
  return derived(
    ask.answer.then((outcome) => restoreUris(outcome, view, server)),
    (reason) => ask.withdraw(reason),
  );
}

/** Params of a question as this client should see them. */
export function askParams(
  params: Buffer,
  method: string,
  { client, endpoint }: Pick<Asked, 'client' | 'endpoint'>,
  view: View,
  server: string,
): Buffer {
  let own = dropHopMeta(params);
  if (method === 'elicitation/create') own = downgradeElicitation(own, client.version);
  if (endpoint.kind === 'server') return own;
  own = rewriteAskUris(own, (uri) => view.exposeUri(server, uri));
  return nameTheServer(own, method, server);
}

/** URIs the client's model got from this server go back to it in the server's own spelling. */
function restoreUris(outcome: Answer, view: View, server: string): Answer {
  if (outcome.kind === 'error') return outcome;
  const restore = (uri: string) => view.restoreUri(server, uri) ?? uri;
  return { kind: 'result', result: rewriteResultUris('sampling/createMessage', outcome.result, restore) };
}

/** A form an older client cannot show counts as a capability it does not have. */
function unsupported({ method }: InputRequest, version: string): Ask {
  const text = `${method}: a client of ${version} cannot show a choice of several values`;
  return derived(Promise.reject(new GatewayError('ASK_UNSUPPORTED', text)), () => {});
}

/** Whoever withdraws a question may not look at its answer any more. */
function derived(answer: Promise<Answer>, withdraw: Ask['withdraw']): Ask {
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

function dropHopMeta(params: Buffer): Buffer {
  const meta = JsonView.of(params).get('_meta');
  return meta ? splice(params, editMembers(meta, { remove: [...HOP_META_KEYS] })) : params;
}

/** Whether a tool call went wrong, as a protocol error or as a result that says so. */
export function isError(outcome: Outcome): boolean {
  if (outcome.kind === 'error') return true;
  if (outcome.kind === 'input_required') return false;
  return outcome.result.includes('"isError"') && JsonView.of(outcome.result).get('isError')?.value() === true;
}
