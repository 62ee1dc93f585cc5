import { ChurnMap, GatewayError, type Log, messageOf } from '#libs/kernel';
import type { ConnectionListener, ReplySink } from '#libs/plugin';
import { type Peeked, peek, splitBatch } from './peek.js';
import { Strays } from './strays.js';

/** More open requests than this on one connection means that its peer answers nothing any more. */
const MAX_PENDING = 4_096;

/**
 * The common half of transports whose messages all share one stream (stdio, SSE): knows which requests are open, hands
 * messages to the listener, drops what is no message, and ends exactly once.
 */
export class SharedChannel {
  readonly #who: string;
  readonly #log: Log;
  readonly #listener: ConnectionListener;
  readonly #pending = new ChurnMap<number, ReplySink>();
  /** Open requests that could not be written. */
  readonly #unwritten = new Set<number>();
  #ended: GatewayError | undefined;
  readonly #strays: Strays;

  constructor(who: string, log: Log, listener: ConnectionListener) {
    this.#who = who;
    this.#log = log;
    this.#listener = listener;
    this.#strays = new Strays(who, log);
  }

  /** Why it ended; undefined while it is open. */
  get ended(): GatewayError | undefined {
    return this.#ended;
  }

  /** Registers a request. False: nothing must be sent, the sink gets its error. */
  open(id: number, sink: ReplySink): boolean {
    const refusal = this.#refusal();
    if (refusal) process.nextTick(() => sink.onError(refusal));
    else this.#pending.set(id, sink);
    return !refusal;
  }

  abandon(id: number, sink: ReplySink): void {
    if (this.#pending.get(id) === sink) this.#pending.delete(id);
  }

  /** It could not be written, which ends the conversation; until that is told, it waits with the others. */
  unwritten(id: number): void {
    if (this.#pending.has(id)) this.#unwritten.add(id);
  }

  /** One request can no longer be answered. */
  failOne(id: number, error: GatewayError): void {
    const sink = this.#pending.get(id);
    this.#pending.delete(id);
    sink?.onError(error);
  }

  /**
   * Every open request can no longer be answered, but the connection lives. Only of what could not be written that proves
   * that it did not run.
   */
  failPending({ cause, code, data, message }: GatewayError): void {
    const open = this.#pending.entries();
    const unwritten = new Set(this.#unwritten);
    this.#pending.clear();
    this.#unwritten.clear();
    for (const [id, sink] of open) {
      sink.onError(new GatewayError(code, message, { data, cause, notExecuted: unwritten.has(id) }));
    }
  }

  /** Takes whatever arrived as one message or batch. */
  receive(bytes: Buffer): void {
    const peeked = peek(bytes);
    const items = peeked?.kind === 'batch' ? splitBatch(bytes) : undefined;
    if (!items) this.#take(bytes, peeked);
    else for (const item of items) this.#take(item, peek(item));
  }

  #take(bytes: Buffer, peeked: Peeked | undefined): void {
    if (this.#ended) return;
    if (!peeked || peeked.kind === 'batch') {
      this.#strays.add(bytes);
      return;
    }
    if (peeked.kind === 'response' && peeked.id !== undefined) this.#pending.delete(peeked.id);
    try {
      this.#listener.onMessage(bytes);
    } catch (thrown) {
      this.#log.error({ reason: messageOf(thrown) }, `A message of ${this.#who} could not be handled`);
    }
  }

  /** The connection ended by itself: open requests fail first, then the listener hears of it. */
  fail(error: GatewayError): void {
    if (this.#ended) return;
    this.close(error);
    this.#listener.onClose(error);
  }

  /** The gateway ends it: open requests fail, the listener hears nothing. */
  close(error: GatewayError): void {
    if (this.#ended) return;
    this.#ended = error;
    this.failPending(error);
  }

  #refusal(): GatewayError | undefined {
    if (this.#ended) {
      return new GatewayError('UPSTREAM_DISCONNECTED', `${this.#who} is no longer connected: ${this.#ended.message}`, {
        data: this.#ended.data,
        notExecuted: true,
      });
    }
    if (this.#pending.size < MAX_PENDING) return undefined;
    return new GatewayError('UPSTREAM_BUSY', `${this.#who} has ${MAX_PENDING} unanswered requests; try again later`, {
      notExecuted: true,
    });
  }
}
