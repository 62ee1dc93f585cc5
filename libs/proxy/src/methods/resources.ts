import { GatewayError } from '#libs/kernel';
import type { JsonView } from '#libs/mcp';
import { subscriptionKey } from '../changes/session-states.js';
import { type Handler, type Request, requireOwnState, upstreamOf } from './context.js';
import { deliver } from './deliver.js';
import { forUpstream, requiredString } from './params.js';
import { RETRY_MEMBERS, route } from './route.js';

/** Bytes of a URI beyond which no resource can be meant. */
const MAX_URI = 8 * 1024;

export const readResource: Handler = async (desk, request) => {
  const { exchange, view, message } = request;
  const { server, uri } = resolve(request);
  const fresh = exchange.resumption ? undefined : desk.reads.get(exchange.principal, server, uri);
  if (fresh) return deliver(desk, exchange, view, server, 'resources/read', fresh);
  const { resumption, principal } = exchange;
  return route(desk, request, {
    server,
    params: forUpstream(message.params as JsonView, { set: { uri: JSON.stringify(uri) }, remove: RETRY_MEMBERS }),
    subject: `resource ${uri}`,
    repeatable: true,
    // An answer to a retry is nobody else's (M:cache).
    ...(!resumption && { keep: (outcome) => desk.reads.put(principal, server, uri, outcome) }),
  });
};

export const subscribeResource: Handler = async (desk, request) => {
  const { exchange, view } = request;
  requireOwnState(exchange, 'Subscribing to a resource');
  const { server, uri, spelled } = resolve(request);
  const outcome = await upstreamOf(desk, server).subscribe(uri, exchange, exchange.session?.id ?? '');
  if (outcome.kind === 'result' && exchange.session) {
    desk.states.of(exchange.session.id).subscriptions.set(subscriptionKey(server, uri), spelled);
  }
  return deliver(desk, exchange, view, server, 'resources/subscribe', outcome);
};

export const unsubscribeResource: Handler = async (desk, request) => {
  const { exchange, view } = request;
  requireOwnState(exchange, 'Unsubscribing from a resource');
  const { server, uri } = resolve(request);
  if (exchange.session) desk.states.of(exchange.session.id).subscriptions.delete(subscriptionKey(server, uri));
  const outcome = await upstreamOf(desk, server).unsubscribe(uri, exchange, exchange.session?.id ?? '');
  return deliver(desk, exchange, view, server, 'resources/unsubscribe', outcome);
};

/** @throws GatewayError UNKNOWN_RESOURCE */
export function resolve({ view, message }: Pick<Request, 'view' | 'message'>): {
  server: string;
  uri: string;
  spelled: string;
} {
  const spelled = requiredString(message.params, 'uri', message.method);
  const found = spelled.length <= MAX_URI && !hasControl(spelled) ? view.resource(spelled) : undefined;
  if (found) return { ...found, spelled };
  throw new GatewayError('UNKNOWN_RESOURCE', `Resource not found: ${spelled.slice(0, 200)}`, {
    data: { uri: spelled.slice(0, MAX_URI) },
  });
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
