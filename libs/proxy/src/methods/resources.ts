import { GatewayError, type ObjectRef } from '#libs/kernel';
import type { Draft, JsonView } from '#libs/mcp';
import { subscriptionKey } from '../changes/session-states.js';
import { authorize } from './authorize.js';
import { type Desk, fail, type Handler, notListed, type Request, requireOwnState, upstreamOf } from './context.js';
import { deliver } from './deliver.js';
import type { AskedUri } from './delivery.js';
import { forUpstream, RETRY_MEMBERS, requiredString } from './params.js';
import { route } from './route.js';

/** Bytes of a URI beyond which no resource can be meant. */
const MAX_URI = 8 * 1024;

export const readResource: Handler = async (desk, request) => {
  const { resumption, principal } = request.exchange;
  const asked = resolve(desk, request);
  const { uri, ref } = asked;
  const { server } = ref;
  return route(desk, request, {
    ref,
    unknown: () => fail(unknownResource(asked.spelled)),
    params: readParams(request, uri),
    subject: `resource ${uri}`,
    repeatable: true,
    solo: false,
    asked,
    // An answer to a retry is nobody else's (M:cache).
    ...(!resumption && {
      kept: desk.reads.get(principal, server, uri),
      keep: (outcome) => desk.reads.put(principal, server, uri, outcome),
    }),
  });
};

export function readParams({ message }: Request, uri: string): Draft {
  return forUpstream(message.params as JsonView, { set: { uri: JSON.stringify(uri) }, remove: RETRY_MEMBERS });
}

export const subscribeResource: Handler = async (desk, request) => {
  const { exchange } = request;
  requireOwnState(exchange, 'Subscribing to a resource');
  const asked = resolve(desk, request);
  const { server } = asked.ref;
  await request.permit?.use(asked.ref);
  const key = subscriptionKey(server, asked.uri);
  const upstream = upstreamOf(desk, server);
  // Noted beforehand: the first update may come together with the answer.
  const subscriptions = exchange.session && desk.states.of(exchange.session.id).subscriptions;
  let subscribed = subscriptions?.has(key) ?? false;
  subscriptions?.set(key, asked.spelled);
  request.verdict.sent = true;
  try {
    const outcome = await upstream.subscribe(asked.uri, exchange, exchange.session?.id ?? '');
    if (!authorize(desk, request, asked.ref)) throw unknownResource(asked.spelled);
    subscribed ||= outcome.kind === 'result';
    return deliver(desk, request, server, outcome, { asked });
  } finally {
    if (!subscribed) subscriptions?.delete(key);
  }
};

export const unsubscribeResource: Handler = async (desk, request) => {
  const { exchange } = request;
  requireOwnState(exchange, 'Unsubscribing from a resource');
  const asked = resolve(desk, request);
  const { server } = asked.ref;
  if (exchange.session) desk.states.of(exchange.session.id).subscriptions.delete(subscriptionKey(server, asked.uri));
  const outcome = await upstreamOf(desk, server).unsubscribe(asked.uri, exchange, exchange.session?.id ?? '');
  return deliver(desk, request, server, outcome, { asked });
};

/** @throws GatewayError UNKNOWN_RESOURCE, INSUFFICIENT_SCOPE, or why its upstream cannot be asked now */
function resolve(desk: Desk, request: Request): ResolvedUri {
  const spelled = spelledUri(request);
  const found = find(desk, request, spelled);
  if (found) return found;
  throw notListed(desk, request, 'resources', spelled.slice(0, MAX_URI), unknownResource(spelled));
}

type ResolvedUri = AskedUri & { readonly ref: ObjectRef };

/** @throws GatewayError UNKNOWN_RESOURCE, INSUFFICIENT_SCOPE */
export function resourceOf(desk: Desk, request: Request): ResolvedUri {
  const spelled = spelledUri(request);
  const found = find(desk, request, spelled);
  if (!found) throw unknownResource(spelled);
  return found;
}

function spelledUri({ message }: Pick<Request, 'message'>): string {
  return requiredString(message.params, 'uri', message.method);
}

function find(desk: Desk, request: Request, spelled: string): ResolvedUri | undefined {
  const target = spelled.length <= MAX_URI && !hasControl(spelled) ? request.view.resource(spelled) : undefined;
  if (!target) return undefined;
  const { server, uri } = target;
  const ref = { kind: 'resource', server, name: uri } as const;
  return authorize(desk, request, ref) && { uri, spelled, ref };
}

function unknownResource(spelled: string): GatewayError {
  return new GatewayError('UNKNOWN_RESOURCE', `Resource not found: ${spelled.slice(0, 200)}`, {
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
