import {
  type Ask,
  ChurnMap,
  EMPTY_RESULT,
  type Emitter,
  type Exchange,
  type InputRequest,
  type Log,
  type Outcome,
  toGatewayError,
} from '#libs/kernel';
import type { CallSink, UpstreamEvents } from '../contract.js';
import { LogLevels } from '../pool/log-levels.js';
import type { SessionPool } from '../pool/session-pool.js';
import { isService } from '../pool/session-spec.js';
import type { SessionGroup, Slot } from '../pool/slot.js';
import { type RequestFrame, Subscriptions, watchersOf } from '../pool/subscriptions.js';
import type { Deadline } from '../session/deadline.js';

/** Milliseconds after which a lost session is not taken for one that cannot live. */
const GROWN_UP = 5_000;
/** What servers commonly send to clients that set no level. */
const DEFAULT_LEVEL = 'info';
const NO_GROUPS: readonly SessionGroup[] = [];

export interface ClientDeskOptions {
  readonly server: string;
  readonly pool: SessionPool;
  readonly events: Pick<Emitter<UpstreamEvents>, 'emit'>;
  readonly log: Log;
  /** Time limits of the requests it sends. */
  readonly limits: RequestFrame;
  /** Milliseconds a renewing session may take to open. */
  readonly patience: number;
  /** Whether sessions can be opened now. */
  serving(): boolean;
}

/**
 * What client sessions, and the listen streams of modern clients, have asked of one upstream and what it tells them outside of calls: subscriptions, log levels,
 * roots. It outlives the upstream sessions and is made anew on those that replace them.
 */
export class ClientDesk {
  readonly #options: ClientDeskOptions;
  readonly #subscriptions: Subscriptions;
  readonly #levels: LogLevels;
  /** Groups of sessions that serve a client, are its own, or watch something for it. */
  readonly #groups = new ChurnMap<string, SessionGroup[]>();

  constructor(options: ClientDeskOptions) {
    this.#options = options;
    this.#subscriptions = new Subscriptions(options.server, options.log);
    this.#levels = new LogLevels(options.server, options.log);
  }

  /** Goes on for the clients of the same upstream under its earlier configuration. */
  takeOver(previous: ClientDesk): void {
    this.#levels.takeOver(previous.#levels);
    for (const group of previous.#options.pool.groups()) {
      if (!group.watching) continue;
      const adopted = this.#options.pool.adopt(group);
      for (const clients of adopted.subscriptions.values()) for (const client of clients) this.#note(client, adopted);
    }
  }

  /** Notes whom a session serves; a promise only when it has to be told another log level first. */
  serve(slot: Slot, exchange: Exchange, deadline?: Deadline): Promise<void> | undefined {
    const client = exchange.session?.id;
    if (client !== undefined && slot.group.serve(client)) {
      this.#note(client, slot.group);
      this.#levels.served(slot.group, client);
    }
    return this.#levels.stale(slot) ? this.#levels.sync(slot, this.#frame(deadline)) : undefined;
  }

  /** Log messages a client finds too chatty stay away, whoever else shares the session. */
  filtered(sink: CallSink, exchange: Exchange): CallSink {
    const client = exchange.session?.id;
    if (client === undefined || this.#levels.size === 0) return sink;
    return {
      progress: (params) => sink.progress(params),
      ask: (request) => sink.ask(request),
      log: (params) => {
        if (this.#levels.wants(client, params)) sink.log(params);
      },
    };
  }

  /**
   * Least severe log message a modern upstream should send with this call: a legacy client that set no level hears what
   * servers of its era send by themselves.
   */
  levelFor(exchange: Exchange): string | undefined {
    if (!exchange.session) return exchange.logLevel;
    return this.#levels.get(exchange.session.id) ?? DEFAULT_LEVEL;
  }

  subscribe(slot: Slot, uri: string, client: string, deadline: Deadline): Promise<Outcome> {
    this.#note(client, slot.group);
    return this.#subscriptions.add(slot, uri, client, this.#frame(deadline));
  }

  #frame(deadline: Deadline | undefined): RequestFrame {
    return deadline ? { ...this.#options.limits, deadline } : this.#options.limits;
  }

  async unsubscribe(group: SessionGroup | undefined, uri: string, client: string): Promise<Outcome> {
    if (!group) return EMPTY_RESULT;
    try {
      return await this.#subscriptions.remove(group, uri, client, this.#options.limits);
    } finally {
      if (group.disposable) this.#options.pool.retire(group.slots);
      this.#options.pool.tidy(group);
    }
  }

  async setLevel(level: string, client: string): Promise<void> {
    const serving = this.#groupsOf(client).filter((group) => group.serves(client));
    this.#levels.set(client, level, serving);
    await this.#syncLevels(serving);
  }

  clientListens(client: string): void {
    for (const { slots } of this.#groupsOf(client)) for (const { session } of slots) session.listen();
  }

  rootsChanged(client: string): void {
    const { log, server } = this.#options;
    const told = this.#groupsOf(client).filter(
      (group) => group.spec.capabilities.rootsListChanged && group.serves(client),
    );
    for (const slot of told.flatMap(({ slots }) => slots)) {
      slot.session.notify('notifications/roots/list_changed').catch((thrown: unknown) => {
        log.debug(
          { upstream: server, cause: toGatewayError(thrown).message },
          `${server} was not told of changed roots`,
        );
      });
    }
  }

  /** The client session ended: nothing is kept for it, and upstream sessions that were its own end. */
  release(client: string): void {
    const groups = this.#groups.get(client);
    if (groups) this.#releaseFrom(groups, client);
    else this.#levels.delete(client, NO_GROUPS);
  }

  #releaseFrom(groups: readonly SessionGroup[], client: string): void {
    const { pool } = this.#options;
    this.#groups.delete(client);
    const served = groups.filter((group) => group.release(client));
    const hadLevel = this.#levels.delete(client, served);
    for (const group of groups) {
      if (group.watching) this.#unwatch(group, client);
      if (group.spec.client === client) pool.retire(group.slots);
    }
    if (hadLevel) void this.#syncLevels(served);
  }

  #unwatch(group: SessionGroup, client: string): void {
    for (const [uri, clients] of group.subscriptions.entries()) {
      if (clients.has(client)) this.unsubscribe(group, uri, client).catch(() => {});
    }
  }

  #note(client: string, group: SessionGroup): void {
    const known = this.#groups.get(client);
    if (known?.includes(group)) return;
    this.#groups.set(client, known ? [...known.filter(({ empty }) => !empty), group] : [group]);
  }

  #groupsOf(client: string): readonly SessionGroup[] {
    return this.#groups.get(client) ?? [];
  }

  // What happens to sessions.

  opened(slot: Slot): void {
    const { client } = slot.group.spec;
    if (client !== undefined) this.#note(client, slot.group);
    if (slot.group.slots[0] === slot) this.#renew(slot);
  }

  lost(slot: Slot): void {
    const next = slot.group.slots[0];
    if (next) this.#renew(next);
    // A session that dies young is replaced at leisure: it may be in a crash loop.
    else if (performance.now() - slot.opened > GROWN_UP) this.restore();
  }

  /** Opens sessions for subscriptions that have none: they outlive the session they were made on. */
  restore(): void {
    const { patience, pool, serving } = this.#options;
    if (!serving()) return;
    for (const group of pool.groups()) {
      if (!group.watching || group.slots.length > 0 || group.opening > 0) continue;
      // The supervisor opens this one.
      if (isService(group.spec)) continue;
      pool.wait(group.spec, false, { timeout: patience }).then(
        (slot) => pool.release(slot, false),
        () => {},
      );
    }
  }

  #renew(slot: Slot): void {
    const { group } = slot;
    if (!group.watching) return;
    void this.#subscriptions.restore(slot, this.#options.limits, (uri) => {
      this.resourceUpdated(group, uri, Buffer.from(JSON.stringify({ uri })));
    });
  }

  async #syncLevels(groups: readonly SessionGroup[]): Promise<void> {
    const stale = groups.flatMap(({ slots }) => slots).filter((slot) => this.#levels.stale(slot));
    await Promise.all(stale.map((slot) => this.#levels.sync(slot, this.#options.limits)));
  }

  // What sessions say outside of calls.

  asked(group: SessionGroup, request: InputRequest): Ask | undefined {
    const { events, server } = this.#options;
    const client = group.soleClient;
    if (client === undefined) return undefined;
    let taken: Ask | undefined;
    events.emit('asked', { server, client, request, take: (ask) => (taken = ask) });
    return taken;
  }

  logged(group: SessionGroup, params: Buffer): void {
    const { events, server } = this.#options;
    const client = group.soleClient;
    if (client === undefined || !this.#levels.wants(client, params)) return;
    events.emit('logged', { server, params, clients: [client] });
  }

  elicitationCompleted(group: SessionGroup, params: Buffer, asked: string | undefined): void {
    const { events, server } = this.#options;
    const client = asked ?? group.soleClient;
    if (client !== undefined) events.emit('elicitationCompleted', { server, params, clients: [client] });
  }

  resourceUpdated(group: SessionGroup, uri: string, params: Buffer): void {
    const clients = watchersOf(group, uri);
    const { events, server } = this.#options;
    if (clients.length > 0) events.emit('resourceUpdated', { server, uri, params, clients });
  }
}
