import type { View } from '#libs/catalogue';
import { type Answer, type Ask, type Exchange, GatewayError, type InputRequest, type Outcome } from '#libs/kernel';
import {
  ALL_MARKS,
  atLeast,
  downgradeElicitation,
  editMembers,
  hasMultiSelect,
  JsonView,
  MARKS,
  rewriteAskUris,
  rewriteResultUris,
  splice,
  VENDOR_META_PREFIX,
  withoutHopMeta,
} from '#libs/mcp';
import type { CallSink } from '#libs/upstream';
import type { CallProgress } from '../progress/call-progress.js';

export const SERVER_META_KEY = `${VENDOR_META_PREFIX}server`;

export interface SinkSettings {
  readonly exchange: Exchange;
  readonly view: View;
  readonly server: string;
  /** Absent when the client wants no progress. */
  readonly progress: CallProgress | undefined;
  /** Whether the client wants a log message. */
  wantsLog(params: Buffer): boolean;
  /** Whether the caller may still use what it called: a policy can change while an upstream is at work. */
  permitted(): boolean;
}

/** What an upstream tells the caller, turned into the caller's terms. */
export class CallerSink implements CallSink {
  constructor(private readonly settings: SinkSettings) {}

  progress(params: Buffer): void {
    this.settings.progress?.report(params);
  }

  log(params: Buffer): void {
    if (!this.settings.wantsLog(params) || !this.settings.permitted()) return;
    this.settings.exchange.notify({ method: 'notifications/message', params: withoutHopMeta(params) });
  }

  ask(request: InputRequest): Ask {
    const { exchange, progress, server, view } = this.settings;
    if (!this.settings.permitted()) return refused(NOT_PERMITTED);
    const ask = forwardAsk(request, exchange, view, server);
    return progress ? progress.during(ask) : ask;
  }
}

const NOT_PERMITTED = new GatewayError('ASK_UNDELIVERED', 'The caller may not use this any more');

/** Who is asked: an exchange, or a session outside of any. */
export type Asked = Pick<Exchange, 'client' | 'endpoint' | 'ask'>;

/** Puts an upstream's question to a client in the client's terms, and the answer in the upstream's. */
export function forwardAsk(request: InputRequest, asked: Asked, view: View, server: string): Ask {
  const { method, params } = request;
  const { version } = asked.client;
  if (params && method === 'elicitation/create' && !atLeast(version, '2025-11-25')) {
    const obstacle = obstacleOf(params);
    // What an older client cannot show counts as a capability it does not have.
    if (obstacle !== undefined)
      return refused(new GatewayError('ASK_UNSUPPORTED', `${method}: a client of ${version} cannot show ${obstacle}`));
  }
  const ask = asked.ask({ ...request, ...(params && { params: askParams(params, method, asked, view, server) }) });
  const aggregated = asked.endpoint.kind !== 'server';
  const restore = aggregated ? (uri: string) => view.restoreUri(server, uri) ?? uri : undefined;
  return derived(
    ask.answer.then((outcome) => answerFor(method, outcome, restore)),
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
  let own = withoutHopMeta(params);
  if (method === 'elicitation/create') own = downgradeElicitation(own, client.version);
  if (endpoint.kind === 'server') return own;
  own = rewriteAskUris(own, (uri) => view.exposeUri(server, uri));
  return nameTheServer(own, method, server);
}

/** URIs the client's model got from this server go back to it in the server's own spelling. */
function answerFor(method: string, outcome: Answer, restore: ((uri: string) => string) | undefined): Answer {
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

function refused(reason: GatewayError): Ask {
  return derived(Promise.reject(reason), () => {});
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

/** Whether a tool call went wrong, as a protocol error or as a result that says so. */
export function isError(outcome: Outcome): boolean {
  if (outcome.kind !== 'result') return outcome.kind === 'error';
  const { marks = ALL_MARKS, result } = outcome;
  return (marks & MARKS.isError) !== 0 && JsonView.of(result).get('isError')?.value() === true;
}
