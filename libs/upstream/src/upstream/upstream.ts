import type { Emitter, Exchange, GatewayError, Outcome } from '#libs/kernel';
import type { Listing } from '#libs/mcp';
import type { UpstreamStatus } from '#libs/plugin';
import type { CallSink, UpstreamCall, UpstreamEvents, UpstreamHandle } from '../contract.js';
import type { SessionPool } from '../pool/session-pool.js';
import { Deadline } from '../session/deadline.js';
import { CallBreaker } from '../supervisor/call-breaker.js';
import type { ColdStartGate } from '../supervisor/cold-start-gate.js';
import { Disabled } from '../supervisor/disabled.js';
import type { Supervision } from '../supervisor/supervision.js';
import { Supervisor } from '../supervisor/supervisor.js';
import { Unsupervised } from '../supervisor/unsupervised.js';
import { CallRunner } from './call-runner.js';
import { ClientDesk } from './client-desk.js';
import { type CallLimits, Errand, type Job } from './errand.js';
import { cutOff, removed, unavailable } from './explain.js';
import { Lists } from './lists.js';
import { STDIO } from './opener.js';
import { SessionChanges } from './session-changes.js';
import { Sessions, type SessionsOptions } from './sessions.js';
import { FIRST_CONNECT_WAIT } from './settings.js';
import { statusOf } from './status.js';

export interface UpstreamOptions extends SessionsOptions {
  readonly events: Emitter<UpstreamEvents>;
  readonly gate: ColdStartGate;
  /** Lists of the same upstream under its earlier configuration. */
  readonly inherited?: Listing;
}

/** One configured MCP server: its sessions, its supervisor, and the door through which calls reach it. */
export class Upstream implements UpstreamHandle {
  readonly name: string;
  readonly #options: UpstreamOptions;
  readonly #sessions: Sessions;
  readonly #pool: SessionPool;
  readonly #supervisor: Supervision;
  readonly #desk: ClientDesk;
  readonly #lists: Lists;
  readonly #changes: SessionChanges;
  readonly #breaker: CallBreaker;
  readonly #calls: CallRunner;
  readonly #limits: CallLimits;
  #gone: GatewayError | undefined;
  /** The same upstream under a newer configuration, once this one is retired. */
  #successor: Upstream | undefined;

  constructor(options: UpstreamOptions) {
    const { config, log, settings } = options;
    const server = config.name;
    this.name = server;
    this.#options = options;
    this.#limits = { timeout: config.connection.timeout, maxTotal: config.connection.max_total };
    this.#sessions = new Sessions(
      options,
      {
        resourceUpdated: (...update) => this.#desk.resourceUpdated(...update),
        logged: (...message) => this.#desk.logged(...message),
        elicitationCompleted: (...completed) => this.#desk.elicitationCompleted(...completed),
        asked: (...question) => this.#desk.asked(...question),
        limited: (key) => this.#limited(`connection.${key}`),
        listChanged: (...changed) => this.#changes.listChanged(...changed),
        opened: (slot) => this.#changes.opened(slot),
        lost: (slot, error) => this.#changes.lost(slot, error),
        ...(config.type === STDIO && config.connection.idle_service ? { unused: () => this.#supervisor.rest() } : {}),
      },
      (key) => this.#limited(key),
    );
    this.#pool = this.#sessions.pool;
    // Without a credential of the gateway's own nothing is discovered, and nothing decides about health.
    const perCaller = config.enabled && !this.#sessions.serves;
    this.#supervisor = this.#supervise(perCaller);
    this.#breaker = new CallBreaker({
      server,
      settings,
      single: () => this.#lists.offersOneThing,
      open: (cause, wait) => this.#supervisor.hold(cause, wait),
    });
    this.#lists = new Lists({
      server,
      log,
      timeout: config.connection.timeout,
      perCaller,
      settings,
      base: () => this.#supervisor.listing,
      emit: (name, event) => this.#emit(name, event),
    });
    this.#desk = new ClientDesk({
      server,
      log,
      pool: this.#pool,
      events: { emit: (name, event) => this.#emit(name, event) },
      limits: this.#limits,
      patience: config.connection.start_timeout,
      serving: () => this.#gone === undefined && this.#supervisor.serving,
    });
    this.#changes = new SessionChanges({
      server,
      pool: this.#pool,
      eras: this.#sessions.eras,
      lists: this.#lists,
      desk: this.#desk,
      supervisor: this.#supervisor,
      gone: () => this.#gone !== undefined,
      changed: () => this.#emit('status', this.status),
    });
    this.#calls = new CallRunner({
      server,
      ...this.#limits,
      replay: config.connection.replay,
      poolSize: config.connection.pool,
      pool: this.#pool,
      desk: this.#desk,
      supervisor: this.#supervisor,
      breaker: this.#breaker,
      heartbeat: () => settings().heartbeat,
      concurrency: config.connection.concurrency,
      sessions: this.#sessions,
      gone: () => this.#gone,
      successor: () => this.#successor,
      served: (slot) => this.#lists.served(slot),
    });
  }

  get enabled(): boolean {
    return this.#options.config.enabled;
  }

  get listing(): Listing | undefined {
    return this.#lists.listing;
  }

  get listsPerCaller(): boolean {
    return this.#lists.perCaller;
  }

  get unavailable(): GatewayError | undefined {
    const { health, serving } = this.#supervisor;
    return serving ? undefined : unavailable(this.name, health);
  }

  get arriving(): boolean {
    return this.#gone === undefined && !this.listing && this.#supervisor.health.state === 'connecting';
  }

  async arrived(exchange: Exchange): Promise<void> {
    const { timeout } = this.#options.config.connection;
    await this.#supervisor.awaitFirst(Math.min(timeout, FIRST_CONNECT_WAIT), exchange);
  }

  get status(): UpstreamStatus {
    return statusOf({
      config: this.#options.config,
      health: this.#supervisor.health,
      listing: this.listing,
      slots: [...this.#pool.slots()],
      inFlight: this.#calls.drain.running,
      breaker: this.#breaker,
      crashes: this.#sessions.crashes,
    });
  }

  /** Resolves at the first success or failure; at once when disabled. */
  get settled(): Promise<void> {
    return this.#supervisor.settled;
  }

  start(): void {
    this.#supervisor.start();
  }

  /** Keeps what clients asked of this upstream under its earlier configuration, unless sessions are shared otherwise now. */
  takeOver(previous: Upstream): void {
    const [was, is] = [previous.#options.config, this.#options.config];
    if (is.enabled && was.type === is.type && was.state === is.state && was.auth.type === is.auth.type) {
      this.#desk.takeOver(previous.#desk);
    }
  }

  /**
   * Takes no new calls, lets running ones finish within `grace` milliseconds, fails the rest with `reason` and closes
   * everything. Calls that wait for a session move to the successor, if there is one. Resolves when no session and no child is
   * left.
   */
  async retire(grace: number, reason = removed(this.name), successor?: Upstream): Promise<void> {
    // Its successor may have lists for everybody.
    if (this.listsPerCaller && reason.code !== 'SHUTTING_DOWN')
      this.#emit('withdrawnFor', { server: this.name, owner: undefined });
    this.#gone ??= reason;
    if (successor?.enabled) {
      this.#successor = successor;
      this.#pool.refuseWaiting(this.#gone);
    }
    await this.#supervisor.stop();
    await this.#calls.drain.wait(grace);
    await this.#sessions.close(cutOff(reason), reason);
  }

  /** Shortens the time that a retiring upstream gives its running calls. */
  hurry(grace: number): void {
    this.#calls.drain.hurry(grace);
  }

  send(call: UpstreamCall, exchange: Exchange, sink: CallSink): Promise<Outcome> {
    return this.#calls.run(new Errand(call, exchange, sink, this.#desk, this.#limits));
  }

  async subscribe(uri: string, exchange: Exchange, subscriber: string): Promise<Outcome> {
    const deadline = new Deadline(this.#limits.maxTotal);
    const job: Job = {
      exchange,
      subject: 'resources/subscribe',
      repeatable: true,
      solo: false,
      deadline,
      perform: (slot) => this.#desk.subscribe(slot, uri, subscriber, deadline),
    };
    return await this.#calls.run(job, this.#sessions.eras.watching);
  }

  async unsubscribe(uri: string, exchange: Exchange, subscriber: string): Promise<Outcome> {
    const spec = this.#sessions.spec(exchange, this.#sessions.eras.watching);
    const group = this.#pool.group(spec);
    return await this.#desk.unsubscribe(group, uri, subscriber);
  }

  async setLevel(level: string, exchange: Exchange): Promise<void> {
    if (exchange.session) await this.#desk.setLevel(level, exchange.session.id);
  }

  async prepare(exchange: Exchange): Promise<void> {
    const spec = this.#sessions.spec(exchange);
    if (this.#gone || !this.#supervisor.serving) return;
    if (this.#lists.knows(spec)) return;
    const { start_timeout } = this.#options.config.connection;
    const slot =
      this.#pool.take(spec, false) ?? (await this.#pool.wait(spec, false, { timeout: start_timeout, exchange }));
    try {
      await this.#desk.serve(slot, exchange);
      await this.#lists.opened(slot);
    } finally {
      this.#pool.release(slot, false);
    }
  }

  listsFor({ principal }: Exchange): boolean {
    return this.#lists.has(principal);
  }

  rootsChanged(clientSession: string): void {
    this.#desk.rootsChanged(clientSession);
  }

  clientListens(clientSession: string): void {
    this.#desk.clientListens(clientSession);
  }

  releaseClient(clientSession: string): void {
    this.#desk.release(clientSession);
  }

  #supervise(perCaller: boolean): Supervision {
    const { config, gate, inherited, log, settings } = this.#options;
    const server = config.name;
    if (!config.enabled) return new Disabled();
    if (perCaller) {
      return new Unsupervised({
        server,
        log,
        changed: () => this.#emit('status', this.status),
        recovered: () => this.#breaker.restored(),
      });
    }
    return new Supervisor(
      {
        server,
        gate,
        log,
        settings,
        timeout: config.connection.timeout,
        service: () => this.#sessions.service(),
        discard: (slot, cause) => this.#changes.discard(slot, cause),
        retire: (slot) => this.#pool.retire([slot]),
        unheard: () => this.#sessions.renew(),
        recovered: () => this.#breaker.restored(),
        changed: () => this.#emit('status', this.status),
        listed: () => this.#lists.baseChanged(),
        withdrawn: (reason) => this.#emit('withdrawn', { server, reason }),
        tended: () => this.#changes.tended(),
      },
      inherited,
    );
  }

  /** What is retired says nothing any more: its name may belong to its successor. */
  #emit<K extends keyof UpstreamEvents>(name: K, event: UpstreamEvents[K]): void {
    if (!this.#gone) this.#options.events.emit(name, event);
  }

  /** `key`: of this server's entry. */
  #limited(key: string): void {
    this.#emit('limited', { server: this.name, key: `proxy.servers[].${key}` });
  }
}
