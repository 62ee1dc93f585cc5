import { randomUUID } from 'node:crypto';
import type { View } from '#libs/catalogue';
import {
  type Exchange,
  type GatewayError,
  type ObjectRef,
  type OutboundNotification,
  type Outcome,
  toGatewayError,
  within,
} from '#libs/kernel';
import { editMembers, JsonView, LIST_KINDS, LIST_METHODS, type ListKind, splice } from '#libs/mcp';
import type { Decision } from '#libs/plugin';
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

/** Whether a resource may be watched, and who is told what became of it. */
export interface Watching {
  decide(exchange: Exchange, ref: ObjectRef): Decision;
  /** `ref` and `decision` are absent for what is not in the caller's view. */
  record(exchange: Exchange, spelled: string, asked: WatchRequest): void;
}

/** One resource of a wish, and what became of it. */
export interface WatchRequest {
  readonly ref?: ObjectRef | undefined;
  readonly decision?: Decision | undefined;
  readonly ended?: Outcome | GatewayError | undefined;
}

/** Listen streams of modern clients: each is told only what it asked for and only what changed in its own view. */
export class Listeners {
  readonly #open = new Map<string, Listener>();

  constructor(
    private readonly upstreams: UpstreamDirectory,
    private readonly viewOf: (exchange: Exchange) => View,
    private readonly watching: Watching,
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

  /** Subscribes to what can be; a resource nobody offers, that cannot be watched or may not be used is left out. */
  async #honour(id: string, listener: Listener, view: View): Promise<ListenWish> {
    const { exchange, wish } = listener;
    const honoured = new Set<string>();
    const subscribing = wish.resourceSubscriptions.map(async (spelled) => {
      const asked = await this.#watch(id, listener, view, spelled);
      if (asked.ended && 'kind' in asked.ended && asked.ended.kind === 'result') honoured.add(spelled);
      this.watching.record(exchange, spelled, asked);
    });
    await within(ACK_BUDGET, Promise.allSettled(subscribing));
    return { ...wish, resourceSubscriptions: wish.resourceSubscriptions.filter((uri) => honoured.has(uri)) };
  }

  async #watch(id: string, { exchange, watched }: Listener, view: View, spelled: string): Promise<WatchRequest> {
    const target = view.resource(spelled);
    if (!target) return {};
    const ref = { kind: 'resource', server: target.server, name: target.uri } as const;
    const decision = this.watching.decide(exchange, ref);
    const upstream = decision.effect === 'allow' ? this.upstreams.get(ref.server) : undefined;
    if (!upstream) return { ref, decision };
    watched.set(subscriptionKey(ref.server, ref.name), spelled);
    try {
      return { ref, decision, ended: await upstream.subscribe(ref.name, exchange, id) };
    } catch (thrown) {
      return { ref, decision, ended: toGatewayError(thrown) };
    }
  }
}
