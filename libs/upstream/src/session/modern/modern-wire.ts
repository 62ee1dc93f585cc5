import { ChurnMap, DueClock, GatewayError, type Log, type Outcome, toGatewayError } from '#libs/kernel';
import {
  encodeDraft,
  encodeError,
  encodeNotification,
  errorObject,
  type JsonView,
  logLevelRank,
  MODERN_META,
  type NotificationMessage,
  parseUpstreamMessage,
  type ResponseMessage,
} from '#libs/mcp';
import type { Connection, ConnectionListener, ConnectionStatus } from '#libs/plugin';
import { excerpt } from '../../transports/shared/text.js';
import { soleCaller } from '../attribution.js';
import type { ExpiredLimit } from '../deadline.js';
import { connectionEnded, toldTo } from '../failures.js';
import { Outbound } from '../outbound.js';
import { withoutMembers } from '../params.js';
import { type CallOwner, RunningCall } from '../running-call.js';
import type { SessionRequest } from '../upstream-session.js';
import type { ModernCodec } from './codec.js';

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
 * Modern requests over one connection: ids, clocks, progress, log messages, cancelling. Knows nothing of what requests
 * mean.
 */
export class ModernWire implements CallOwner, ConnectionListener {
  readonly clock: DueClock;
  readonly #options: WireOptions;
  readonly #pending = new ChurnMap<number, RunningCall>();
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
    return this.#pending.size;
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
      call.fail(this.#tooLate(request));
      return call;
    }
    this.#pending.set(id, call);
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
      this.#fail(call, toGatewayError(thrown));
    }
    return call;
  }

  /** Stops waiting because the gateway or its caller wants to, and tells the upstream so. */
  giveUp(call: RunningCall, error: GatewayError): void {
    if (call.ended) return;
    const { handle, sent } = call;
    this.#fail(call, toldTo(error, sent));
    if (!handle) return;
    if (sent && this.#options.cancelBy === 'notification') {
      const reason = JSON.stringify(error.message.slice(0, 500));
      this.#post(encodeNotification('notifications/cancelled', `{"requestId":${call.id},"reason":${reason}}`));
    }
    handle.abandon();
  }

  close(reason: GatewayError): Promise<void> {
    this.#gone ??= reason;
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async #close(reason: GatewayError): Promise<void> {
    for (const call of this.#pending.values()) this.giveUp(call, reason);
    try {
      await this.#connection?.close();
    } catch (thrown) {
      const { log, server } = this.#options;
      log.debug({ upstream: server, cause: toGatewayError(thrown).message }, 'Closing an upstream connection failed');
    }
  }

  // What the connection and the running calls tell.

  onMessage(bytes: Buffer, origin?: RunningCall): void {
    this.#lastHeard = performance.now();
    try {
      this.#receive(bytes, origin);
    } catch (thrown) {
      const { log, server } = this.#options;
      const error = toGatewayError(thrown);
      log.warn({ upstream: server, code: error.code }, `${server}: ${error.message}`);
      log.debug({ upstream: server, text: excerpt(bytes) }, `${server}: this is how it begins`);
      if (origin) this.giveUp(origin, this.#protocolError(`${server}: ${error.message}`, origin));
    }
  }

  onClose(error: GatewayError): void {
    const told = connectionEnded(error, this.#options.server, this.status().stderr);
    const first = this.#gone === undefined;
    this.#gone ??= told;
    for (const call of this.#pending.values()) this.#fail(call, toldTo(told, call.sent));
    if (first) this.#options.lost(told);
  }

  onLimit(key: string, worn?: GatewayError): void {
    this.#options.limited?.(key, worn);
  }

  onError(error: GatewayError, call: RunningCall): void {
    const told = connectionEnded(error, this.#options.server, this.status().stderr);
    this.#fail(call, call.sent ? told : toldTo(told, false));
  }

  /** Everything about a modern call comes on its own stream (M:base). */
  onSlow(): void {}

  onExpired(limit: ExpiredLimit, call: RunningCall): void {
    this.giveUp(call, call.expiry(this.#options.server, limit));
  }

  #receive(bytes: Buffer, origin: RunningCall | undefined): void {
    const message = parseUpstreamMessage(bytes);
    switch (message.kind) {
      case 'response':
        this.#response(message, origin);
        return;
      case 'notification':
        this.#notification(message, origin);
        return;
      case 'request': {
        // Modern servers ask by `input_required`; this one does not, and over HTTP there is no way to answer it.
        const { log, server } = this.#options;
        const fields = { upstream: server, method: message.method };
        log.warn(fields, `${server} sent a request (${message.method}), which servers of this revision must not`);
        if (this.#options.cancelBy === 'stream') return;
        this.#post(encodeError(message.idJson, errorObject(-32601, 'Servers of this revision send no requests')));
      }
    }
  }

  #response(message: ResponseMessage, origin: RunningCall | undefined): void {
    const call = this.#callOf(message, origin);
    if (!call) return;
    if (message.result) {
      if (message.result.type === 'object') this.#settle(call, this.#options.codec.read(message.result, call.request));
      else this.giveUp(call, this.#protocolError(`${this.#options.server}: the result is not an object`, call));
      return;
    }
    const code = message.error?.get('code')?.value();
    if (!message.error || !Number.isInteger(code)) {
      const { server } = this.#options;
      const text = `${server} answered ${call.request.subject} with neither a result nor a proper error`;
      this.#fail(call, this.#protocolError(text, call));
      return;
    }
    this.#settle(call, { kind: 'error', code: code as number, error: message.error.raw() });
  }

  #callOf(message: ResponseMessage, origin: RunningCall | undefined): RunningCall | undefined {
    if (message.id !== undefined) return typeof message.id === 'number' ? this.#pending.get(message.id) : undefined;
    // No id: the upstream could not read the request. On its own stream, or alone in flight, that is clear enough.
    return origin ?? (this.#pending.size === 1 ? this.#pending.values()[0] : undefined);
  }

  #notification(message: NotificationMessage, origin: RunningCall | undefined): void {
    const { method, params } = message;
    switch (method) {
      case 'notifications/progress':
        if (params) this.#progress(params);
        return;
      case 'notifications/message': {
        const call = origin ?? soleCaller(this.#pending);
        const caller = call?.request.caller;
        const rank = logLevelRank(params?.get('level')?.string());
        // Without a wish for them there must be none (M:log), and what is too chatty is kept back.
        if (!params || !caller?.logLevel || (rank >= 0 && rank < logLevelRank(caller.logLevel))) return;
        caller.sink.log(params.raw());
        call?.pace();
        return;
      }
      case 'notifications/cancelled': {
        // On a shared stream a server ends a subscription so (M:cancel).
        const id = params?.get('requestId')?.value();
        const call = typeof id === 'number' ? this.#pending.get(id) : undefined;
        const { server } = this.#options;
        // A client's call is not the upstream's to cancel.
        if (call && !call.request.caller) {
          this.#fail(call, new GatewayError('UPSTREAM_DISCONNECTED', `${server} cancelled it`));
        }
        return;
      }
      default: {
        const named = params?.at('_meta', MODERN_META.subscriptionId)?.value();
        this.#options.notified(message, origin?.id ?? (typeof named === 'number' ? named : undefined));
      }
    }
  }

  #progress(params: JsonView): void {
    const token = params.get('progressToken')?.value();
    const call = typeof token === 'number' ? this.#pending.get(token) : undefined;
    const caller = call?.request.caller;
    if (!call || !caller) return;
    call.alive();
    if (!caller.wantsProgress) return;
    caller.sink.progress(withoutMembers(params, ['progressToken']));
    call.pace();
  }

  #settle(call: RunningCall, outcome: Outcome): void {
    this.#pending.delete(call.id);
    call.settle(outcome);
  }

  #fail(call: RunningCall, error: GatewayError): void {
    this.#pending.delete(call.id);
    call.fail(error);
  }

  #post(message: Buffer): void {
    this.#connection?.post(message).catch((thrown: unknown) => {
      const { log, server } = this.#options;
      const error = toGatewayError(thrown);
      log.debug({ upstream: server, code: error.code }, `${server} did not take a message: ${error.message}`);
    });
  }

  #tooLate(request: SessionRequest): GatewayError {
    const { server } = this.#options;
    const cause = this.#gone;
    const text = `${server}: the connection had ended before ${request.subject} was sent${cause ? `: ${cause.message}` : ''}`;
    return new GatewayError('UPSTREAM_DISCONNECTED', text, { data: { server }, cause, notExecuted: true });
  }

  #protocolError(text: string, call: RunningCall): GatewayError {
    const { server } = this.#options;
    return new GatewayError('UPSTREAM_PROTOCOL', text, { data: { server, subject: call.request.subject } });
  }
}
