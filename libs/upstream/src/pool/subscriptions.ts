import { EMPTY_RESULT, GatewayError, type Log, messageOf, type Outcome } from '#libs/kernel';
import { Draft } from '#libs/mcp';
import type { SessionRequest } from '../session/upstream-session.js';
import { KeyedQueue } from './keyed-queue.js';
import type { SessionGroup, Slot } from './slot.js';

/** Most URIs one group of sessions watches. */
const MAX_PER_GROUP = 10_000;

/** Limits and caller of a request; method and params are filled in here. */
export type RequestFrame = Omit<SessionRequest, 'method' | 'params' | 'subject'>;

/**
 * Resource subscriptions, counted per session group, URI and client session: the upstream hears of the first subscriber
 * and of the last one leaving. They live on the first session of their group and are made anew when it is replaced.
 */
export class Subscriptions {
  readonly #queue = new KeyedQueue();

  constructor(
    private readonly server: string,
    private readonly log: Log,
  ) {}

  /** @throws GatewayError UPSTREAM_BUSY when the group watches too many URIs; whatever the request throws */
  add(slot: Slot, uri: string, client: string, frame: RequestFrame): Promise<Outcome> {
    const { group } = slot;
    return this.#queue.run(`${group.spec.key} ${uri}`, async () => {
      const clients = group.subscriptions.get(uri);
      if (clients && slot.subscribed.has(uri)) {
        clients.add(client);
        return EMPTY_RESULT;
      }
      if (!clients && group.subscriptions.size >= MAX_PER_GROUP) {
        const text = `${this.server}: more than ${MAX_PER_GROUP} resources are subscribed to; unsubscribe from some`;
        throw new GatewayError('UPSTREAM_BUSY', text, { data: { server: this.server } });
      }
      // Noted beforehand: the first update may come together with the answer.
      const watching = clients ?? new Set<string>();
      const isNew = !watching.has(client);
      group.subscriptions.set(uri, watching.add(client));
      slot.session.listen();
      let subscribed = false;
      try {
        const outcome = await this.#send(slot, 'resources/subscribe', uri, frame);
        subscribed = outcome.kind === 'result';
        if (subscribed) slot.subscribed.set(uri, true);
        return outcome;
      } finally {
        if (!subscribed && isNew) watching.delete(client);
        if (watching.size === 0) group.subscriptions.delete(uri);
      }
    });
  }

  remove(group: SessionGroup, uri: string, client: string, frame: RequestFrame): Promise<Outcome> {
    return this.#queue.run(`${group.spec.key} ${uri}`, async () => {
      const clients = group.subscriptions.get(uri);
      if (!clients?.delete(client) || clients.size > 0) return EMPTY_RESULT;
      group.subscriptions.delete(uri);
      const slot = group.slots.find((candidate) => candidate.subscribed.delete(uri));
      return slot && !slot.session.lost ? this.#send(slot, 'resources/unsubscribe', uri, frame) : EMPTY_RESULT;
    });
  }

  /** Asks a replacing session for everything its group watches. `restored` is called per URI: changes may have been missed. */
  async restore(slot: Slot, frame: RequestFrame, restored: (uri: string) => void): Promise<void> {
    slot.session.listen();
    const watched = slot.group.subscriptions.entries().map(([uri]) => uri);
    const uris = watched.filter((uri) => !slot.subscribed.has(uri));
    await Promise.all(
      uris.map((uri) =>
        this.#queue.run(`${slot.group.spec.key} ${uri}`, async () => {
          if (!slot.group.subscriptions.has(uri) || slot.subscribed.has(uri)) return;
          try {
            const outcome = await this.#send(slot, 'resources/subscribe', uri, frame);
            if (outcome.kind === 'error') throw new Error(outcome.error.toString().slice(0, 200));
            slot.subscribed.set(uri, true);
            restored(uri);
          } catch (thrown) {
            const fields = { upstream: this.server, uri };
            this.log.warn(fields, `${this.server}: a subscription could not be renewed: ${messageOf(thrown)}`);
          }
        }),
      ),
    );
  }

  #send(slot: Slot, method: string, uri: string, frame: RequestFrame): Promise<Outcome> {
    const params = Draft.of(Buffer.from(JSON.stringify({ uri })));
    return slot.session.request({ ...frame, method, params, subject: `${method} ${uri.slice(0, 200)}` });
  }
}

/** Client sessions that watch a URI: those subscribed to it, or to what contains it (M:res: the update may name a part). */
export function watchersOf(group: SessionGroup, uri: string): readonly string[] {
  const exact = group.subscriptions.get(uri);
  if (exact) return [...exact];
  const found = new Set<string>();
  for (const [watched, clients] of group.subscriptions.entries()) {
    if (uri.startsWith(watched)) for (const client of clients) found.add(client);
  }
  return [...found];
}
