import { Backoff, type Due, GatewayError } from '#libs/kernel';
import { type SseEvent, type SseHandlers, SseParser } from '#libs/mcp';
import { peek, splitBatch } from '../shared/peek.js';
import { subject } from '../shared/text.js';
import { CredentialedRequest } from './credentialed-request.js';
import { mediaType, type ResponseHeaders } from './http-request.js';
import { type HttpSession, resumable } from './http-session.js';
import { networkError } from './network-errors.js';
import { StreamAllowance, type StreamLimit } from './stream-allowance.js';

/** Milliseconds before a stream that ended is opened again, unless the upstream names its own. */
const DEFAULT_RETRY = 1_000;
/** After a break, soon: whether the upstream is still there is what the next attempt tells. */
const AFTER_BREAK = 100;
const MAX_DELAY = 30_000;
/** Attempts in a row that brought no answer at all, after which the upstream counts as gone. */
const MAX_BREAKS = 5;
/** A stream that lived so long and is cut was cut for being idle, by a proxy perhaps: the next one need not wait. */
const LONG_LIFE = 10_000;

/** Whom a stream tells that its upstream is gone, or has forgotten the session. */
export interface StreamOwner {
  streamLost(error: GatewayError): void;
}

/**
 * The stream a client may hold open for messages that belong to no request (`L:http`, listening for messages). Opened
 * again for as long as it makes sense, behind the last event where the upstream numbers them. An upstream without
 * one is left alone; one that can no longer be reached, or forgot the session, is reported.
 */
export class StandingStream implements Due, SseHandlers {
  seat = -1;
  due = 0;
  readonly #session: HttpSession;
  readonly #owner: StreamOwner;
  #exchange: StreamExchange | undefined;
  /** While there is a stream. */
  #parser: SseParser | undefined;
  #allowance: StreamAllowance | undefined;
  #stopped = false;
  #established = false;
  /** When the stream began, monotonic. */
  #since = Number.POSITIVE_INFINITY;
  #lastEventId: string | undefined;
  #retry: number | undefined;
  /** The shortest wait, as the last end of the stream had it. */
  #delay = 0;
  /** Since the stream ended for the first time. */
  #backoff: Backoff | undefined;
  #breaks = 0;

  constructor(session: HttpSession, owner: StreamOwner) {
    this.#session = session;
    this.#owner = owner;
  }

  open(): void {
    if (this.#stopped) return;
    const { pools, path } = this.#session;
    this.#exchange = new StreamExchange(this, this.#session);
    const own = this.#session.streamHeaders(this.#lastEventId);
    this.#exchange.send({ lane: pools.streams, method: 'GET', path, own });
  }

  stop(): void {
    this.#stopped = true;
    this.#session.pools.clock.cancel(this);
    this.#exchange?.abort();
  }

  /** Judges an answer. False when there is no stream. */
  answered(status: number, headers: ResponseHeaders): boolean {
    const { target } = this.#session;
    if (status === 200 && mediaType(headers) === 'text/event-stream') {
      this.#established = true;
      this.#since = performance.now();
      this.#breaks = 0;
      this.#parser = new SseParser(target.limits.event, this);
      this.#allowance = new StreamAllowance(target.limits);
      this.#wake(target.limits.streamLifetime);
      return true;
    }
    if (status === 404 && this.#established && this.#session.id !== undefined) {
      this.#lost(
        new GatewayError('UPSTREAM_SESSION_LOST', `${subject(target)} no longer knows the session (HTTP 404)`, {
          data: { status },
        }),
      );
    } else if (status === 400 && this.#lastEventId !== undefined) {
      this.#lastEventId = undefined;
      this.#again(DEFAULT_RETRY);
    } else if (
      status >= 500 ||
      status === 429 ||
      status === 409 ||
      (this.#established && (status === 401 || status === 403))
    ) {
      this.#again(DEFAULT_RETRY);
    } else {
      // 405 is how a server says that it has no such stream; older and smaller ones find other words.
      this.stop();
      target.log.debug({ status }, `${subject(target)} offers no standing stream`);
    }
    return false;
  }

  received(chunk: Buffer): void {
    const { target } = this.#session;
    const reached = this.#allowance?.take(chunk);
    if (reached) {
      this.#renew(reached);
      return;
    }
    try {
      this.#parser?.push(chunk);
    } catch {
      target.log.warn(
        { limit: target.limits.event },
        `${subject(target)} sent an event over connection.limits.event on its standing stream; the stream is opened anew`,
      );
      // Behind the last event the same one would come again.
      this.#lastEventId = undefined;
      this.#exchange?.abort();
      this.#again(DEFAULT_RETRY);
    }
  }

  onEvent(event: SseEvent): void {
    this.#backoff?.reset();
    if (event.id !== undefined) this.#lastEventId = resumable(event.id);
    if (event.data.length > 0 && event.event === 'message') this.#deliver(event.data);
  }

  onRetry(milliseconds: number): void {
    this.#retry = Math.min(milliseconds, MAX_DELAY);
  }

  ended(): void {
    this.#again(this.#retry ?? DEFAULT_RETRY);
  }

  /** There may be a credential later. */
  refused(): void {
    this.#again(DEFAULT_RETRY);
  }

  broke(error: Error, sent: boolean): void {
    this.#breaks += 1;
    if (!sent || this.#breaks > MAX_BREAKS) {
      const { code, message } = networkError(this.#session.target, error, sent);
      this.#lost(
        new GatewayError(code === 'UPSTREAM_PROTOCOL' ? code : 'UPSTREAM_UNREACHABLE', message, { cause: error }),
      );
    } else this.#again(this.#retry ?? AFTER_BREAK);
  }

  #again(delay: number): void {
    if (this.#stopped) return;
    this.#backoff ??= new Backoff(() => ({ initial: this.#delay, max: MAX_DELAY, multiplier: 2 }));
    if (performance.now() - this.#since > LONG_LIFE) this.#backoff.reset();
    this.#since = Number.POSITIVE_INFINITY;
    this.#parser = undefined;
    this.#delay = delay;
    const wait = Math.max(delay, this.#backoff.next());
    this.#wake(Math.min(wait, MAX_DELAY));
  }

  #wake(milliseconds: number): void {
    this.#session.pools.clock.set(this, performance.now() + milliseconds);
  }

  /** The stream has stood for as long as one may, or it is time for the next attempt. */
  onDue(): void {
    if (this.#parser) this.#renew('stream_lifetime');
    else this.open();
  }

  /** It brought as much, or stood for as long, as one stream may: another takes its place. */
  #renew(reached: StreamLimit): void {
    this.#exchange?.abort();
    this.#parser = undefined;
    this.#session.pools.clock.cancel(this);
    this.#session.listener.onLimit?.(`limits.${reached}`);
    if (reached === 'stream') this.#again(AFTER_BREAK);
    else this.open();
  }

  #lost(error: GatewayError): void {
    if (this.#stopped) return;
    this.stop();
    this.#owner.streamLost(error);
  }

  #deliver(bytes: Buffer): void {
    const { listener } = this.#session;
    const kind = peek(bytes)?.kind;
    if (kind === 'batch') for (const item of splitBatch(bytes) ?? []) listener.onMessage(item);
    else if (kind) listener.onMessage(bytes);
    else this.#session.stray(bytes);
  }
}

class StreamExchange extends CredentialedRequest {
  readonly #owner: StandingStream;
  #open = false;

  constructor(owner: StandingStream, session: HttpSession) {
    super(session);
    this.#owner = owner;
  }

  protected onNoCredential(): void {
    this.#owner.refused();
  }

  protected onAnswer(status: number, headers: ResponseHeaders): void {
    this.#open = this.#owner.answered(status, headers);
    if (this.#open) this.settle();
    // What a refusal has to say is in its status.
    else this.abort();
  }

  protected onBody(chunk: Buffer): void {
    if (this.#open) this.#owner.received(chunk);
  }

  protected onDone(): void {
    if (this.#open) this.#owner.ended();
  }

  protected onFailed(error: Error, sent: boolean): void {
    this.#owner.broke(error, sent);
  }
}
