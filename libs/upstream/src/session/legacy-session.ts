import {
  type Ask,
  ChurnMap,
  DueClock,
  GatewayError,
  type InputRequest,
  type Log,
  type Outcome,
  toGatewayError,
} from '#libs/kernel';
import { encodeNotification } from '#libs/mcp';
import type { Connection, ConnectionListener, ConnectionStatus } from '#libs/plugin';
import { AskDesk, type AskPort } from './ask-desk.js';
import { attribute } from './attribution.js';
import type { ClientCapabilities } from './capabilities.js';
import type { ExpiredLimit } from './deadline.js';
import { connectionEnded, startedTooLate, toldTo, tooLate } from './failures.js';
import { initializeRequest, NO_WELCOME, WelcomeReader } from './handshake.js';
import { Inbound, type InboundPort } from './inbound.js';
import { outboundOf } from './legacy-request.js';
import { noteNotClosed, noteNotTaken } from './notes.js';
import { connectionOf, type Opening, openSession } from './opening.js';
import { encodeCancelled } from './outbound.js';
import { type CallOwner, RunningCall } from './running-call.js';
import type { SessionOptions } from './session-options.js';
import type { SessionListener, SessionRequest, UpstreamSession } from './upstream-session.js';

export interface LegacySessionOptions extends SessionOptions {
  readonly capabilities: ClientCapabilities;
  /** The upstream speaks the modern era too. */
  readonly dual?: boolean;
  readonly http?: boolean;
  /** Whether to hear from the start what belongs to no request, and not only once somebody is to be told. Default true. */
  readonly standing?: boolean;
  /** True when callers of different principals share this session. */
  readonly shared: boolean;
  /** Reads what the upstream says of itself; one of its own when absent. */
  readonly welcomes?: WelcomeReader | undefined;
}

/**
 * A session of the revisions with `initialize` (2024-11-05 to 2025-11-25) over one connection. It is itself what its reader and
 * its desk turn to: there are thousands of sessions, and closures for each would weigh more than all else.
 */
export class LegacySession implements UpstreamSession, CallOwner, ConnectionListener, InboundPort, AskPort {
  readonly era = 'legacy';
  readonly dual: boolean;
  readonly http: boolean;
  readonly clock: DueClock;
  readonly #options: LegacySessionOptions;
  readonly pending = new ChurnMap<number, RunningCall>();
  readonly #inbound = new Inbound(this);
  #desk: AskDesk | undefined;
  #connection: Connection | undefined;
  #welcome = NO_WELCOME;
  #lastId = 0;
  #lastHeard = performance.now();
  #gone: GatewayError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: LegacySessionOptions) {
    this.#options = options;
    this.dual = options.dual ?? false;
    this.http = options.http ?? false;
    this.clock = options.clock ?? new DueClock();
  }

  /**
   * Connects and initializes.
   * @throws GatewayError UPSTREAM_UNREACHABLE, UPSTREAM_UNAUTHORIZED, UPSTREAM_HTTP, UPSTREAM_PROTOCOL
   */
  static open(options: LegacySessionOptions): Promise<LegacySession> {
    const session = new LegacySession(options);
    const { clock, server, signal, startTimeout: limit } = options;
    const tooSlow = () => startedTooLate(server, 'initialize', limit);
    return openSession(session, server, { signal, limit, clock, tooSlow }, (opening) => session.#open(opening));
  }

  async #open(opening: Opening): Promise<void> {
    const { capabilities, connect, startTimeout, gatewayVersion, server } = this.#options;
    const { welcomes = new WelcomeReader(server) } = this.#options;
    this.#connection = await connectionOf(connect(this, opening), opening);
    const initialize = this.request(initializeRequest(capabilities, gatewayVersion, startTimeout));
    this.#welcome = welcomes.read(await opening.until(initialize));
    this.#connection.setProtocolVersion(this.#welcome.version);
    await opening.until(this.notify('notifications/initialized'));
    if (this.#options.standing ?? true) this.listen();
  }

  listen(): void {
    if (!this.#gone) this.#connection?.listen();
  }

  /** Made for the first question. */
  get desk(): AskDesk {
    this.#desk ??= new AskDesk(this);
    return this.#desk;
  }

  get version(): string {
    return this.#welcome.version;
  }

  get capabilities(): Readonly<Record<string, unknown>> {
    return this.#welcome.capabilities;
  }

  get serverInfo(): Readonly<Record<string, unknown>> {
    return this.#welcome.serverInfo;
  }

  get instructions(): string | undefined {
    return this.#welcome.instructions;
  }

  get attribution(): 'request' | 'connection' {
    return this.#connection?.attribution ?? 'connection';
  }

  get stateful(): boolean {
    return this.#connection?.sessionId !== undefined;
  }

  get lost(): boolean {
    return this.#gone !== undefined;
  }

  get inFlight(): number {
    return this.pending.size;
  }

  get lastHeard(): number {
    return this.#lastHeard;
  }

  status(): ConnectionStatus {
    return this.#connection?.status() ?? {};
  }

  request(request: SessionRequest): Promise<Outcome> {
    return request.caller || this.attribution === 'connection' ? this.#send(request) : this.#sendOwn(request);
  }

  /** The gateway's own requests may run twice: a kept-alive socket that had died must not count as a failure. */
  async #sendOwn(request: SessionRequest): Promise<Outcome> {
    try {
      return await this.#send(request);
    } catch (thrown) {
      if (toGatewayError(thrown).code !== 'UPSTREAM_DISCONNECTED' || this.#gone) throw thrown;
      return await this.#send(request);
    }
  }

  #send(request: SessionRequest): Promise<Outcome> {
    const connection = this.#connection;
    if (this.#gone || !connection) return Promise.reject(tooLate(this.server, 'session', request, this.#gone));
    const id = ++this.#lastId;
    const outbound = outboundOf(id, request, connection.attribution, this.#options.forwarded);
    const call = new RunningCall(id, request, this);
    this.pending.set(id, call);
    const unsubscribe = request.caller?.exchange.onAbort((reason) => this.giveUp(call, reason));
    if (call.ended) return call.outcome;
    call.unsubscribe = unsubscribe;
    try {
      const handle = connection.send(outbound, call);
      if (call.ended) handle.abandon();
      else call.handle = handle;
    } catch (thrown) {
      this.fail(call, toGatewayError(thrown));
    }
    return call.outcome;
  }

  // async, so that a plug-in's transport that throws at once is no different from one that rejects
  async notify(method: string, params?: Buffer): Promise<void> {
    if (!this.#connection || this.#gone) throw this.#gone ?? new GatewayError('INTERNAL', 'The session is not open');
    await this.#connection.post(encodeNotification(method, params));
  }

  close(reason: GatewayError): Promise<void> {
    this.#gone ??= reason;
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async #close(reason: GatewayError): Promise<void> {
    for (const call of this.pending.values()) this.giveUp(call, reason);
    this.#desk?.closeStanding();
    try {
      await this.#connection?.close();
    } catch (thrown) {
      noteNotClosed(this.#options, thrown);
    }
  }

  // What the connection and the running calls tell.

  onMessage(bytes: Buffer, origin?: RunningCall): void {
    this.#lastHeard = performance.now();
    this.#inbound.receive(bytes, origin);
  }

  onClose(error: GatewayError): void {
    const told = connectionEnded(error, this.#options.server, this.status().stderr);
    this.#lose(told);
    for (const call of this.pending.values()) this.fail(call, toldTo(told, call.sent));
  }

  onLimit(key: string, worn?: GatewayError): void {
    const { listener } = this.#options;
    listener.limited(key);
    if (worn) listener.worn(worn);
  }

  onError(error: GatewayError, call: RunningCall): void {
    const told = connectionEnded(error, this.#options.server, this.status().stderr);
    if (error.code === 'UPSTREAM_SESSION_LOST') this.#lose(told);
    this.fail(call, call.sent ? told : toldTo(told, false));
  }

  /** What the upstream has to say of a call that takes long may come outside of its own stream. */
  onSlow(call: RunningCall): void {
    if (call.request.caller) this.listen();
  }

  onExpired(limit: ExpiredLimit, call: RunningCall): void {
    const { server, startTimeout } = this.#options;
    const opening = call.request.method === 'initialize';
    this.giveUp(call, opening ? startedTooLate(server, 'initialize', startTimeout) : call.expiry(server, limit));
  }

  // What its reader and its desk ask of it.

  get server(): string {
    return this.#options.server;
  }

  get log(): Log {
    return this.#options.log;
  }

  get listener(): SessionListener {
    return this.#options.listener;
  }

  get declared(): ClientCapabilities {
    return this.#options.capabilities;
  }

  attribute(origin: RunningCall | undefined): RunningCall | undefined {
    return attribute(origin, this.pending, this.attribution, this.#options.shared);
  }

  standing(request: InputRequest): Ask | undefined {
    return this.listener.asked(request);
  }

  elicited(elicitationId: string, client: string): void {
    this.#inbound.elicited(elicitationId, client);
  }

  // How calls end.

  settle(call: RunningCall, outcome: Outcome, origin: RunningCall | undefined): void {
    this.#forget(call);
    // A reply that came another way leaves the request's own stream waiting for nothing.
    if (origin !== call && this.attribution === 'request') call.handle?.abandon();
    call.settle(outcome);
  }

  fail(call: RunningCall, error: GatewayError): void {
    this.#forget(call);
    call.fail(error);
  }

  /** Stops waiting because the gateway or its caller wants to, and tells the upstream so (never for `initialize`, L:cancel). */
  giveUp(call: RunningCall, error: GatewayError): void {
    if (call.ended) return;
    const { handle, sent } = call;
    this.fail(call, toldTo(error, sent));
    if (!handle) return;
    if (sent && call.request.method !== 'initialize') this.post(encodeCancelled(call, error));
    handle.abandon();
  }

  #forget(call: RunningCall): void {
    this.pending.delete(call.id);
    this.#desk?.closeFor(call);
  }

  post(message: Buffer): void {
    this.#connection?.post(message).catch((thrown: unknown) => {
      const error = noteNotTaken(this.#options, thrown);
      if (error.code === 'UPSTREAM_SESSION_LOST') this.#lose(error);
    });
  }

  #lose(error: GatewayError): void {
    if (this.#gone) return;
    this.#gone = error;
    this.#desk?.closeStanding();
    this.#options.listener.lost(error);
  }
}
