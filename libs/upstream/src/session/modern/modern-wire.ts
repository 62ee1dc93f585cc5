import { ChurnMap, DueClock, type GatewayError, type Log, type Outcome, toGatewayError } from '#libs/kernel';
import { encodeDraft, type NotificationMessage } from '#libs/mcp';
import type { Connection, ConnectionListener, ConnectionStatus } from '#libs/plugin';
import type { ExpiredLimit } from '../deadline.js';
import { connectionEnded, toldTo, tooLate } from '../failures.js';
import { noteNotClosed, noteNotTaken } from '../notes.js';
import { encodeCancelled, Outbound } from '../outbound.js';
import { type CallOwner, RunningCall } from '../running-call.js';
import type { SessionRequest } from '../upstream-session.js';
import type { ModernCodec } from './codec.js';
import { type InboundPort, receive } from './inbound.js';

export interface WireOptions {
  /** The upstream's configured name. */
  readonly server: string;
  readonly log: Log;
  /** How its requests and results are spelled. */
  readonly codec: ModernCodec;
  /** How a request is cancelled: by closing its response stream (HTTP), or by a notification (M:cancel). */
  readonly cancelBy: 'stream' | 'notification';
  /** A notification that is neither progress nor a log message, and the id of the listen request it names. */
  notified(message: NotificationMessage, subscription: number | undefined): void;
  /** The connection ended by itself. */
  lost(error: GatewayError): void;
  /** For the time limits of its calls; one of its own when absent. */
  readonly clock?: DueClock | undefined;
  /** See `ConnectionListener.onLimit`. */
  limited?(key: string, worn: GatewayError | undefined): void;
}

/**
 * Modern requests over one connection: ids, clocks, cancelling, how calls end. Knows nothing of what requests mean, and has
 * what comes in read for it (`inbound`).
 */
export class ModernWire implements CallOwner, ConnectionListener, InboundPort {
  readonly clock: DueClock;
  readonly #options: WireOptions;
  readonly pending = new ChurnMap<number, RunningCall>();
  #connection: Connection | undefined;
  #lastId = 0;
  #lastHeard = performance.now();
  #gone: GatewayError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: WireOptions) {
    this.#options = options;
    this.clock = options.clock ?? new DueClock();
  }

  /** Hands over the connection this is the listener of. */
  attach(connection: Connection): void {
    this.#connection = connection;
    connection.setProtocolVersion(this.#options.codec.version);
  }

  /** Another revision, in headers too. */
  speak(version: string): void {
    this.#options.codec.version = version;
    this.#connection?.setProtocolVersion(version);
  }

  get attribution(): 'request' | 'connection' {
    return this.#connection?.attribution ?? 'connection';
  }

  get gone(): GatewayError | undefined {
    return this.#gone;
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

  /** Sends a request. The call it returns never ends without settling its outcome, which is to be awaited at once. */
  send(request: SessionRequest, paramHeaders?: Readonly<Record<string, string>>): RunningCall {
    const id = ++this.#lastId;
    const call = new RunningCall(id, request, this);
    const connection = this.#connection;
    if (this.#gone || !connection) {
      call.fail(tooLate(this.#options.server, 'connection', request, this.#gone));
      return call;
    }
    this.pending.set(id, call);
    const unsubscribe = request.caller?.exchange.onAbort((reason) => this.giveUp(call, reason));
    if (call.ended) return call;
    call.unsubscribe = unsubscribe;
    try {
      const hasHeaders = connection.attribution === 'request';
      const { params, headers } = this.#options.codec.write(request, id, hasHeaders, paramHeaders);
      const message = encodeDraft(id, request.method, params);
      const handle = connection.send(
        new Outbound(id, request.method, message, headers, request.caller?.exchange),
        call,
      );
      if (call.ended) handle.abandon();
      else call.handle = handle;
    } catch (thrown) {
      this.fail(call, toGatewayError(thrown));
    }
    return call;
  }

  /** Stops waiting because the gateway or its caller wants to, and tells the upstream so. */
  giveUp(call: RunningCall, error: GatewayError): void {
    if (call.ended) return;
    const { handle, sent } = call;
    this.fail(call, toldTo(error, sent));
    if (!handle) return;
    if (sent && this.#options.cancelBy === 'notification') this.post(encodeCancelled(call, error));
    handle.abandon();
  }

  close(reason: GatewayError): Promise<void> {
    this.#gone ??= reason;
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async #close(reason: GatewayError): Promise<void> {
    for (const call of this.pending.values()) this.giveUp(call, reason);
    try {
      await this.#connection?.close();
    } catch (thrown) {
      noteNotClosed(this.#options, thrown);
    }
  }

  // What the connection and the running calls tell.

  onMessage(bytes: Buffer, origin?: RunningCall): void {
    this.#lastHeard = performance.now();
    receive(this, bytes, origin);
  }

  onClose(error: GatewayError): void {
    const told = connectionEnded(error, this.#options.server, this.status().stderr);
    const first = this.#gone === undefined;
    this.#gone ??= told;
    for (const call of this.pending.values()) this.fail(call, toldTo(told, call.sent));
    if (first) this.#options.lost(told);
  }

  onLimit(key: string, worn?: GatewayError): void {
    this.#options.limited?.(key, worn);
  }

  onError(error: GatewayError, call: RunningCall): void {
    const told = connectionEnded(error, this.#options.server, this.status().stderr);
    this.fail(call, call.sent ? told : toldTo(told, false));
  }

  /** Everything about a modern call comes on its own stream (M:base). */
  onSlow(): void {}

  onExpired(limit: ExpiredLimit, call: RunningCall): void {
    this.giveUp(call, call.expiry(this.#options.server, limit));
  }

  // What reading its messages asks of it.

  get server(): string {
    return this.#options.server;
  }

  get log(): Log {
    return this.#options.log;
  }

  get codec(): ModernCodec {
    return this.#options.codec;
  }

  get cancelBy(): 'stream' | 'notification' {
    return this.#options.cancelBy;
  }

  notified(message: NotificationMessage, subscription: number | undefined): void {
    this.#options.notified(message, subscription);
  }

  settle(call: RunningCall, outcome: Outcome): void {
    this.pending.delete(call.id);
    call.settle(outcome);
  }

  fail(call: RunningCall, error: GatewayError): void {
    this.pending.delete(call.id);
    call.fail(error);
  }

  post(message: Buffer): void {
    this.#connection?.post(message).catch((thrown: unknown) => void noteNotTaken(this.#options, thrown));
  }
}
