import { randomUUID } from 'node:crypto';
import type { View } from '#libs/catalogue';
import { type Exchange, type OutboundNotification, within } from '#libs/kernel';
import { editMembers, JsonView, LIST_KINDS, LIST_METHODS, type ListKind, splice } from '#libs/mcp';
import type { UpstreamDirectory, UpstreamEvents } from '#libs/upstream';
import type { Listening, ListenWish } from '../contract.js';
import { subscriptionKey } from './session-states.js';

/** Milliseconds the acknowledgement may wait for upstreams to take resource subscriptions (M:subs). */
const ACK_BUDGET = 2_000;

const WISHES: Readonly<Record<ListKind, keyof ListenWish>> = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
  templates: 'resourcesListChanged',
};

interface Listener {
  readonly exchange: Exchange;
  readonly wish: ListenWish;
  readonly deliver: (notification: OutboundNotification) => void;
  readonly seen: Map<ListKind, string>;
  /** `server uri` -> the URI as this client spells it. */
  readonly watched: Map<string, string>;
}

/** Listen streams of modern clients: each is told only what it asked for and only what changed in its own view. */
export class Listeners {
  readonly #open = new Map<string, Listener>();

  constructor(
    private readonly upstreams: UpstreamDirectory,
    private readonly viewOf: (exchange: Exchange) => View,
  ) {}

  get size(): number {
    return this.#open.size;
  }

  open(exchange: Exchange, wish: ListenWish, deliver: Listener['deliver']): Listening {
    const id = `listen-${randomUUID()}`;
    const view = this.viewOf(exchange);
    const seen = new Map(LIST_KINDS.map((kind) => [kind, view.fingerprint(kind)]));
    const listener: Listener = { exchange, wish, deliver, seen, watched: new Map() };
    this.#open.set(id, listener);
    return {
      honoured: this.#honour(id, listener, view),
      stop: () => {
        if (this.#open.delete(id)) this.upstreams.releaseClient(id);
      },
    };
  }

  catalogueChanged(kinds: readonly ListKind[]): void {
    for (const listener of this.#open.values()) {
      const view = this.viewOf(listener.exchange);
      const methods = new Set<string>();
      for (const kind of kinds) {
        const fingerprint = view.fingerprint(kind);
        if (listener.seen.get(kind) === fingerprint) continue;
        listener.seen.set(kind, fingerprint);
        if (listener.wish[WISHES[kind]]) methods.add(LIST_METHODS[kind].changed);
      }
      for (const method of methods) listener.deliver({ method });
    }
  }

  resourceUpdated({ server, uri, params, clients }: UpstreamEvents['resourceUpdated']): void {
    for (const client of clients) {
      const listener = this.#open.get(client);
      const spelled = listener?.watched.get(subscriptionKey(server, uri));
      if (!listener || spelled === undefined || !this.viewOf(listener.exchange).resource(spelled)) continue;
      const edits = editMembers(JsonView.of(params), { set: { uri: JSON.stringify(spelled) } });
      listener.deliver({ method: 'notifications/resources/updated', params: splice(params, edits) });
    }
  }

  /** Subscribes to what can be; a resource nobody offers or that cannot be watched is left out. */
  async #honour(id: string, { exchange, wish, watched }: Listener, view: View): Promise<ListenWish> {
    const honoured = new Set<string>();
    const subscribing = wish.resourceSubscriptions.map(async (spelled) => {
      const target = view.resource(spelled);
      const upstream = target && this.upstreams.get(target.server);
      if (!target || !upstream) return;
      watched.set(subscriptionKey(target.server, target.uri), spelled);
      const outcome = await upstream.subscribe(target.uri, exchange, id);
      if (outcome.kind === 'result') honoured.add(spelled);
    });
    await within(ACK_BUDGET, Promise.allSettled(subscribing));
    return { ...wish, resourceSubscriptions: wish.resourceSubscriptions.filter((uri) => honoured.has(uri)) };
  }
}
