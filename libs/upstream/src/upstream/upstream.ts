import type { UpstreamConfig } from '#libs/config';
import { type Emitter, type Exchange, GatewayError, type Log, type Outcome, toGatewayError } from '#libs/kernel';
import { LIST_KINDS, type Listing, type ListKind } from '#libs/mcp';
import type { UpstreamStatus } from '#libs/plugin';
import type { CallSink, UpstreamCall, UpstreamEvents, UpstreamHandle } from '../contract.js';
import { LogLevels } from '../pool/log-levels.js';
import { SessionPool } from '../pool/session-pool.js';
import { effectiveState, SERVICE, type SessionSpec, specFor } from '../pool/session-spec.js';
import type { SessionGroup, Slot } from '../pool/slot.js';
import { type RequestFrame, Subscriptions, watchersOf } from '../pool/subscriptions.js';
import type { ColdStartGate } from '../supervisor/cold-start-gate.js';
import { type Health, Supervisor } from '../supervisor/supervisor.js';
import { brokenOff, concernsHealth, cutOff, mayReplay, removed, unavailable } from './explain.js';
import { type Extensions, SessionOpener } from './opener.js';
import { CONNECT_TIMEOUT, FIRST_CONNECT_WAIT, type GatewaySettings } from './settings.js';

export interface UpstreamOptions {
  readonly config: UpstreamConfig;
  readonly extensions: Extensions;
  readonly settings: () => GatewaySettings;
  readonly events: Emitter<UpstreamEvents>;
  readonly gate: ColdStartGate;
  readonly log: Log;
  /** Lists of the same upstream under its earlier configuration. */
  readonly inherited?: Listing;
}

/** Milliseconds after which a lost session is not taken for one that cannot live. */
const GROWN_UP = 5_000;

const DISABLED: Health = {
  state: 'disabled',
  reason: 'enabled: false in the configuration',
  since: Date.now(),
  nextRetry: undefined,
  cause: undefined,
};

/** One configured MCP server: its sessions, its supervisor, and the door through which calls reach it. */
export class Upstream implements UpstreamHandle {
  readonly name: string;
  readonly #options: UpstreamOptions;
  readonly #opener: SessionOpener;
  readonly #pool: SessionPool;
  readonly #supervisor: Supervisor;
  readonly #subscriptions: Subscriptions;
  readonly #levels: LogLevels;
  /** Calls not yet answered. */
  #active = 0;
  #whenIdle: (() => void) | undefined;
  #deadline = Number.POSITIVE_INFINITY;
  #drainTimer: NodeJS.Timeout | undefined;
  #gone: GatewayError | undefined;
  /** What the upstream's last session turned out to be. */
  #profile: { stateful: boolean; attribution: 'request' | 'connection' } | undefined;
  /** A session was lost: the next one may find other lists. */
  #replacing = false;

  constructor(options: UpstreamOptions) {
    const { config, events, gate, log, settings } = options;
    const server = config.name;
    this.name = server;
    this.#options = options;
    this.#opener = new SessionOpener(config, options.extensions, settings, log);
    this.#subscriptions = new Subscriptions(server, log);
    this.#levels = new LogLevels(server, log);
    this.#pool = new SessionPool({
      server,
      log,
      limit: config.connection.pool,
      idle: settings().idle,
      open: (spec, listener, signal) => this.#opener.open(spec, listener, signal),
      events: {
        listener: (group) => this.#listener(group),
        opened: (slot) => this.#opened(slot),
        lost: (slot, error) => this.#lost(slot, error),
      },
    });
    this.#supervisor = new Supervisor(
      {
        server,
        gate,
        log,
        settings,
        timeout: config.connection.timeout,
        service: () => this.#service(),
        discard: (slot, cause) => this.#pool.discard(slot, cause),
        changed: () => !this.#gone && events.emit('status', this.status),
        listed: (listing) => !this.#gone && events.emit('listed', listing),
        withdrawn: (reason) => !this.#gone && events.emit('withdrawn', { server, reason }),
        tended: () => this.#restoreSubscriptions(),
      },
      options.inherited,
    );
  }

  get enabled(): boolean {
    return this.#options.config.enabled;
  }

  get listing(): Listing | undefined {
    return this.#supervisor.listing;
  }

  get status(): UpstreamStatus {
    const { config } = this.#options;
    const { nextRetry, reason, since, state } = this.enabled ? this.#supervisor.health : DISABLED;
    const { listing } = this;
    const slots = [...this.#pool.slots()];
    return {
      name: this.name,
      type: config.type,
      state,
      ...(reason === undefined ? {} : { reason }),
      since,
      ...(nextRetry === undefined ? {} : { nextRetry }),
      required: config.required,
      ...(listing ? { era: listing.era, version: listing.version } : {}),
      counts: {
        tools: listing?.items.tools.length ?? 0,
        prompts: listing?.items.prompts.length ?? 0,
        resources: listing?.items.resources.length ?? 0,
      },
      sessions: slots.length,
      pids: slots.flatMap((slot) => slot.session.status().pid ?? []),
    };
  }

  /** Resolves at the first success or failure; at once when disabled. */
  get settled(): Promise<void> {
    return this.enabled ? this.#supervisor.settled : Promise.resolve();
  }

  start(): void {
    if (this.enabled) this.#supervisor.start();
  }

  /**
   * Takes no new calls, lets running ones finish within `grace` milliseconds, fails the rest with `reason` and closes
   * everything. Resolves when no session and no child is left.
   */
  async retire(grace: number, reason = removed(this.name)): Promise<void> {
    this.#gone ??= reason;
    await this.#supervisor.stop();
    await this.#drained(grace);
    await this.#pool.close(cutOff(reason));
    await this.#opener.release();
  }

  /** Shortens the time that a retiring upstream gives its running calls. */
  hurry(grace: number): void {
    this.#deadline = Math.min(this.#deadline, performance.now() + grace);
    if (this.#whenIdle) this.#hurry(this.#whenIdle);
  }

  async send(call: UpstreamCall, exchange: Exchange, sink: CallSink): Promise<Outcome> {
    this.#active++;
    try {
      if (!this.#supervisor.serving || this.#gone) await this.#admitted(exchange);
      return await this.#run(exchange, call, (slot) =>
        slot.session.request({
          method: call.method,
          params: call.params,
          subject: call.subject,
          ...this.#limits(),
          caller: {
            exchange,
            sink: this.#filtered(sink, exchange),
            wantsProgress: call.wantsProgress,
            repeatable: call.repeatable,
          },
        }),
      );
    } finally {
      this.#leave();
    }
  }

  async subscribe(uri: string, exchange: Exchange): Promise<Outcome> {
    const client = exchange.session?.id;
    if (client === undefined) throw new GatewayError('INTERNAL', 'Only legacy sessions subscribe to resources');
    return await this.#own(exchange, `subscription to ${uri}`, (slot) =>
      this.#subscriptions.add(slot, uri, client, this.#limits()),
    );
  }

  async unsubscribe(uri: string, exchange: Exchange): Promise<Outcome> {
    const client = exchange.session?.id;
    const group = this.#pool.group(this.#spec(exchange));
    if (!group || client === undefined) return { kind: 'result', result: Buffer.from('{}') };
    try {
      return await this.#subscriptions.remove(group, uri, client, this.#limits());
    } finally {
      this.#pool.tidy(group);
    }
  }

  async setLevel(level: string, exchange: Exchange): Promise<void> {
    const client = exchange.session?.id;
    if (client === undefined) return;
    this.#levels.set(client, level);
    await this.#syncLevels((group) => group.clients.has(client));
  }

  rootsChanged(clientSession: string): void {
    for (const slot of this.#pool.slots()) {
      const { clients, spec } = slot.group;
      if (!spec.capabilities.rootsListChanged || !clients.has(clientSession)) continue;
      slot.session.notify('notifications/roots/list_changed').catch((thrown: unknown) => {
        const cause = toGatewayError(thrown).message;
        this.#options.log.debug({ upstream: this.name, cause }, `${this.name} was not told of changed roots`);
      });
    }
  }

  releaseClient(client: string): void {
    const hadLevel = this.#levels.delete(client);
    for (const group of [...this.#pool.groups()]) {
      const wasHere = group.clients.delete(client);
      for (const [uri, clients] of [...group.subscriptions]) {
        if (!clients.has(client)) continue;
        this.#subscriptions.remove(group, uri, client, this.#limits()).then(
          () => this.#pool.tidy(group),
          () => this.#pool.tidy(group),
        );
      }
      if (group.spec.client === client) this.#pool.retire(group.slots);
      else if (hadLevel && wasHere) void this.#syncLevels((candidate) => candidate === group);
    }
  }

  // Calls.

  #limits(): RequestFrame {
    const { timeout, max_total } = this.#options.config.connection;
    return { timeout, maxTotal: max_total };
  }

  /** The same as `send`, for requests the gateway makes on a client's behalf. */
  async #own(exchange: Exchange, subject: string, task: (slot: Slot) => Promise<Outcome>): Promise<Outcome> {
    this.#active++;
    try {
      if (!this.#supervisor.serving || this.#gone) await this.#admitted(exchange);
      return await this.#run(exchange, { subject, repeatable: true }, task);
    } finally {
      this.#leave();
    }
  }

  /** @throws GatewayError when the upstream is gone, down, or does not come up in time */
  async #admitted(exchange: Exchange): Promise<void> {
    if (this.#gone) throw this.#gone;
    if (!this.enabled) throw unavailable(this.name, DISABLED);
    await this.#supervisor.awaitFirst(Math.min(this.#limits().timeout, FIRST_CONNECT_WAIT), exchange);
    if (this.#gone) throw this.#gone;
    if (!this.#supervisor.serving) throw unavailable(this.name, this.#supervisor.health);
  }

  /** Runs a request on the exchange's session, and once more on a new one when that can do no harm. */
  async #run(
    exchange: Exchange,
    call: Pick<UpstreamCall, 'subject' | 'repeatable'>,
    task: (slot: Slot) => Promise<Outcome>,
  ): Promise<Outcome> {
    const spec = this.#spec(exchange);
    const solo = !call.repeatable;
    for (let attempt = 1; ; attempt++) {
      const slot = this.#pool.take(spec, solo) ?? (await this.#wait(spec, solo, exchange));
      try {
        if (exchange.session) slot.group.clients.add(exchange.session.id);
        if (this.#levels.stale(slot)) await this.#levels.sync(slot, this.#limits());
        return await task(slot);
      } catch (thrown) {
        const error = toGatewayError(thrown);
        if (exchange.aborted || this.#gone) throw error;
        if (concernsHealth(error)) this.#broke(slot, error);
        if (attempt > 1 || !mayReplay(error, call)) throw brokenOff(this.name, call.subject, error);
      } finally {
        this.#pool.release(slot, solo);
      }
    }
  }

  async #wait(spec: SessionSpec, solo: boolean, exchange: Exchange): Promise<Slot> {
    try {
      return await this.#pool.wait(spec, solo, { timeout: this.#limits().timeout, exchange });
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (concernsHealth(error) && !exchange.aborted && !this.#gone) this.#supervisor.check();
      throw error;
    }
  }

  #broke(slot: Slot, error: GatewayError): void {
    // On a shared stream the connection is gone with its call, even when its end has not been announced yet.
    if (error.code === 'UPSTREAM_DISCONNECTED' && slot.session.attribution === 'connection') {
      slot.retiring = true;
    }
    this.#supervisor.check();
  }

  #spec(exchange: Exchange): SessionSpec {
    const { config, settings } = this.#options;
    const policy = effectiveState(config.state, config.type, this.#profile);
    return specFor(policy, exchange, { credential: config.auth.type, sharedAnonymous: settings().sharedAnonymous });
  }

  /** Log messages a client finds too chatty stay away, whoever else shares the session. */
  #filtered(sink: CallSink, exchange: Exchange): CallSink {
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

  #leave(): void {
    this.#active--;
    if (this.#active === 0) this.#whenIdle?.();
  }

  async #drained(grace: number): Promise<void> {
    this.#deadline = Math.min(this.#deadline, performance.now() + grace);
    if (this.#active === 0 || this.#deadline <= performance.now()) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      this.#hurry(resolve);
    });
    clearTimeout(this.#drainTimer);
  }

  #hurry(give: () => void): void {
    clearTimeout(this.#drainTimer);
    this.#drainTimer = setTimeout(give, Math.max(0, this.#deadline - performance.now()));
  }

  // Sessions.

  async #service(): Promise<Slot> {
    const slot =
      this.#pool.take(SERVICE, false) ?? (await this.#pool.wait(SERVICE, false, { timeout: CONNECT_TIMEOUT * 2 }));
    this.#pool.release(slot, false);
    return slot;
  }

  #opened(slot: Slot): void {
    const { group, session } = slot;
    this.#profile = { stateful: session.stateful, attribution: session.attribution };
    if (this.#replacing) this.#supervisor.listChanged(LIST_KINDS);
    this.#replacing = false;
    if (group.slots[0] === slot && group.subscriptions.size > 0) this.#renew(slot);
    if (!this.#gone) this.#options.events.emit('status', this.status);
  }

  #lost(slot: Slot, error: GatewayError): void {
    this.#replacing = true;
    this.#supervisor.sessionLost(slot, error);
    if (this.#gone) return;
    const next = slot.group.slots[0];
    if (next) this.#renew(next);
    // A session that dies young is renewed at leisure: it may be in a crash loop.
    else if (performance.now() - slot.opened > GROWN_UP) this.#restoreSubscriptions();
    this.#options.events.emit('status', this.status);
  }

  #renew(slot: Slot): void {
    const { group } = slot;
    void this.#subscriptions.restore(slot, this.#limits(), (uri) => {
      this.#updated(group, uri, Buffer.from(JSON.stringify({ uri })));
    });
  }

  /** Subscriptions outlive the session they were made on. */
  #restoreSubscriptions(): void {
    if (this.#gone || !this.#supervisor.serving) return;
    for (const group of this.#pool.groups()) {
      if (group.subscriptions.size === 0 || group.slots.length > 0 || group.opening > 0) continue;
      // The supervisor opens this one.
      if (group.spec === SERVICE) continue;
      this.#pool.wait(group.spec, false, { timeout: CONNECT_TIMEOUT }).then(
        (slot) => this.#pool.release(slot, false),
        () => {},
      );
    }
  }

  #listener(group: SessionGroup) {
    const { events } = this.#options;
    const server = this.name;
    return {
      listChanged: (kinds: readonly ListKind[]) => this.#supervisor.listChanged(kinds),
      resourceUpdated: (uri: string, params: Buffer) => this.#updated(group, uri, params),
      logged: (params: Buffer) => {
        const [client, ...others] = group.clients;
        if (client === undefined || others.length > 0 || !this.#levels.wants(client, params)) return;
        if (!this.#gone) events.emit('logged', { server, params, clients: [client] });
      },
      elicitationCompleted: (params: Buffer, asked: string | undefined) => {
        const sole = group.clients.size === 1 ? [...group.clients] : [];
        const clients = asked === undefined ? sole : [asked];
        if (clients.length > 0 && !this.#gone) events.emit('elicitationCompleted', { server, params, clients });
      },
    };
  }

  #updated(group: SessionGroup, uri: string, params: Buffer): void {
    const clients = watchersOf(group, uri);
    if (clients.length === 0 || this.#gone) return;
    this.#options.events.emit('resourceUpdated', { server: this.name, uri, params, clients });
  }

  async #syncLevels(concerned: (group: SessionGroup) => boolean): Promise<void> {
    const stale = [...this.#pool.slots()].filter((slot) => concerned(slot.group) && this.#levels.stale(slot));
    await Promise.all(stale.map((slot) => this.#levels.sync(slot, this.#limits())));
  }
}
