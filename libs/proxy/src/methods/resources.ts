import { GatewayError } from '#libs/kernel';
import type { JsonView } from '#libs/mcp';
import { subscriptionKey } from '../changes/session-states.js';
import {
  type Desk,
  type Handler,
  logLevelOf,
  notListed,
  type Request,
  requireOwnState,
  upstreamOf,
} from './context.js';
import { type AskedUri, deliver } from './deliver.js';
import { forUpstream, progressTokenOf, requiredString } from './params.js';
import { callSink } from './sink.js';

/** Bytes of a URI beyond which no resource can be meant. */
const MAX_URI = 8 * 1024;

export const readResource: Handler = async (desk, request) => {
  const { exchange, view, message } = request;
  const { server, ...asked } = resolve(desk, request);
  const { uri } = asked;
  const progressToken = progressTokenOf(message.params);
  const outcome = await upstreamOf(desk, server).send(
    {
      method: 'resources/read',
      params: forUpstream(message.params as JsonView, { set: { uri: JSON.stringify(uri) } }),
      wantsProgress: progressToken !== undefined,
      subject: `resource ${uri}`,
      repeatable: true,
    },
    exchange,
    callSink({ exchange, view, server, progressToken, logLevel: logLevelOf(desk, exchange) }),
  );
  return deliver(desk, request, server, outcome, asked);
};

export const subscribeResource: Handler = async (desk, request) => {
  const { exchange } = request;
  requireOwnState(exchange, 'Subscribing to a resource');
  const { server, ...asked } = resolve(desk, request);
  const key = subscriptionKey(server, asked.uri);
  const upstream = upstreamOf(desk, server);
  // Noted beforehand: the first update may come together with the answer.
  const subscriptions = exchange.session && desk.states.of(exchange.session.id).subscriptions;
  let subscribed = subscriptions?.has(key) ?? false;
  subscriptions?.set(key, asked.spelled);
  try {
    const outcome = await upstream.subscribe(asked.uri, exchange);
    subscribed ||= outcome.kind === 'result';
    return deliver(desk, request, server, outcome, asked);
  } finally {
    if (!subscribed) subscriptions?.delete(key);
  }
};

export const unsubscribeResource: Handler = async (desk, request) => {
  const { exchange } = request;
  requireOwnState(exchange, 'Unsubscribing from a resource');
  const { server, ...asked } = resolve(desk, request);
  if (exchange.session) desk.states.of(exchange.session.id).subscriptions.delete(subscriptionKey(server, asked.uri));
  const outcome = await upstreamOf(desk, server).unsubscribe(asked.uri, exchange);
  return deliver(desk, request, server, outcome, asked);
};

function resolve(desk: Desk, request: Request): AskedUri & { readonly server: string } {
  const { view, message } = request;
  const spelled = requiredString(message.params, 'uri', message.method);
  const found = spelled.length <= MAX_URI && !hasControl(spelled) ? view.resource(spelled) : undefined;
  if (found) return { ...found, spelled };
  const unknown = new GatewayError('UNKNOWN_RESOURCE', `Resource not found: ${spelled.slice(0, 200)}`, {
    data: { uri: spelled.slice(0, MAX_URI) },
  });
  throw notListed(desk, request, spelled.slice(0, MAX_URI), unknown);
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
