import type { View } from '#libs/catalogue';
import { ChurnMap, type ClientSession, type InputRequest, type OutboundNotification } from '#libs/kernel';
import { editMembers, JsonView, LIST_KINDS, LIST_METHODS, type ListKind, splice, withoutHopMeta } from '#libs/mcp';
import type { UpstreamEvents } from '#libs/upstream';
import type { SessionChannel } from '../contract.js';
import { passesLevel } from '../methods/log-level.js';
import { forwardAsk } from '../methods/sink.js';
import { type SessionStates, subscriptionKey } from './session-states.js';

interface Listener {
  readonly session: ClientSession;
  /** Its methods are called on it: it may need itself. */
  readonly channel: SessionChannel;
}

/**
 * What sessions of legacy clients are told outside of their requests: only what is in their own view by the policy of that
 * moment, and only while they have a stream; a list that changed while one had none is announced when it opens one.
 */
export class ChangeHub {
  readonly #listeners = new ChurnMap<string, Listener>();

  constructor(
    private readonly states: SessionStates,
    private readonly viewOf: (session: ClientSession) => View,
  ) {}

  get size(): number {
    return this.#listeners.size;
  }

  /** Whether a session can be told something outside of its requests. */
  has(sessionId: string): boolean {
    return this.#listeners.has(sessionId);
  }

  open(session: ClientSession, channel: SessionChannel): () => void {
    const listener = { session, channel };
    this.#listeners.set(session.id, listener);
    this.#announce(listener, LIST_KINDS);
    return () => {
      if (this.#listeners.get(session.id) === listener) this.#listeners.delete(session.id);
    };
  }

  /** What this session saw of a list, at the moment it is served. */
  noteListed(session: ClientSession, kind: ListKind, view: View): void {
    this.states.of(session.id).seen[kind] = view.fingerprint(kind);
  }

  catalogueChanged(kinds: readonly ListKind[]): void {
    for (const listener of this.#listeners.values()) this.#announce(listener, kinds);
  }

  resourceUpdated(event: UpstreamEvents['resourceUpdated']): void {
    const params = withoutHopMeta(event.params);
    for (const client of event.clients) {
      const spelled = this.#spelled(client, event.server, event.uri);
      if (spelled === undefined) continue;
      const edits = editMembers(JsonView.of(params), { set: { uri: JSON.stringify(spelled) } });
      this.#deliver(client, { method: 'notifications/resources/updated', params: splice(params, edits) });
    }
  }

  /** A question about the client's roots, which belong to the session and not to a call. */
  asked({ server, client, request, take }: UpstreamEvents['asked']): void {
    const listener = this.#listeners.get(client);
    if (!listener) return;
    const { session, channel } = listener;
    const ask = (asked: InputRequest) => channel.ask(asked);
    const view = this.viewOf(session);
    if (!view.servers.includes(server)) return;
    take(forwardAsk(request, { client: session.client, endpoint: session.endpoint, ask }, view, server));
  }

  logged(event: UpstreamEvents['logged']): void {
    for (const client of event.clients) {
      if (!passesLevel(event.params, this.states.find(client)?.logLevel) || !this.#sees(client, event.server)) continue;
      this.#deliver(client, { method: 'notifications/message', params: withoutHopMeta(event.params) });
    }
  }

  elicitationCompleted(event: UpstreamEvents['elicitationCompleted']): void {
    for (const client of event.clients) {
      if (!this.#sees(client, event.server)) continue;
      this.#deliver(client, { method: 'notifications/elicitation/complete', params: event.params });
    }
  }

  /** How a session calls a resource it is subscribed to, or a part of one (M:res); undefined when it is not. */
  #spelled(client: string, server: string, uri: string): string | undefined {
    const subscriptions = this.states.find(client)?.subscriptions;
    const listener = this.#listeners.get(client);
    if (!subscriptions || !listener) return undefined;
    const key = subscriptionKey(server, uri);
    const view = this.viewOf(listener.session);
    const isWatched = subscriptions.entries().some(([whole]) => isWithin(key, whole));
    const spelled = subscriptions.get(key) ?? (isWatched ? view.exposeUri(server, uri) : undefined);
    return spelled !== undefined && view.resource(spelled)?.server === server ? spelled : undefined;
  }

  #sees(client: string, server: string): boolean {
    const listener = this.#listeners.get(client);
    return listener !== undefined && this.viewOf(listener.session).servers.includes(server);
  }

  #deliver(client: string, notification: OutboundNotification): void {
    this.#listeners.get(client)?.channel.deliver(notification);
  }

  #announce({ session, channel }: Listener, kinds: readonly ListKind[]): void {
    const view = this.viewOf(session);
    const { seen } = this.states.of(session.id);
    const methods = new Set<string>();
    for (const kind of kinds) {
      const fingerprint = view.fingerprint(kind);
      const before = seen[kind];
      seen[kind] = fingerprint;
      if (before !== undefined && before !== fingerprint) methods.add(LIST_METHODS[kind].changed);
    }
    for (const method of methods) channel.deliver({ method });
  }
}

/** Whether a URI continues another one behind a separator. */
function isWithin(uri: string, whole: string): boolean {
  return uri.startsWith(whole) && (whole.endsWith('/') || '/?#'.includes(uri.charAt(whole.length)));
}
