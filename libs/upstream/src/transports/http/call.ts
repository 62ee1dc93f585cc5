import { GatewayError, type Roster, toGatewayError } from '#libs/kernel';
import { LIST_METHODS, type SseEvent, SseParser } from '#libs/mcp';
import type { OutboundRequest, ReplySink } from '#libs/plugin';
import { peek, splitBatch } from '../shared/peek.js';
import { subject } from '../shared/text.js';
import { PostExchange, type Reply, ResumeExchange } from './exchanges.js';
import type { HttpRequest } from './http-request.js';
import { type HttpSession, resumable } from './http-session.js';
import { networkError } from './network-errors.js';
import { overheard, protocolError, streamOver, tooLarge } from './status-errors.js';
import { StreamAllowance } from './stream-allowance.js';

/** A server that keeps its stream open behind the response may do so for this long; then the socket is freed. */
const LINGER = 1_000;

/** What the gateway asks for itself: it must not wait behind calls, or a busy upstream would pass for a dead one. */
const OWN_REQUESTS: ReadonlySet<string> = new Set([
  'initialize',
  'server/discover',
  'ping',
  'logging/setLevel',
  ...Object.values(LIST_METHODS).map(({ method }) => method),
]);

/** A stream that stands for hours must not take a socket from calls, nor a call one from the gateway's own requests. */
function laneOf(pools: HttpSession['pools'], method: string): HttpSession['pools']['calls'] {
  if (method === 'subscriptions/listen') return pools.streams;
  return OWN_REQUESTS.has(method) ? pools.control : pools.calls;
}

const DEFAULT_RETRY = 1_000;
const MAX_RETRY = 30_000;
/** Resuming without hearing anything new: an empty stream costs one, a failed attempt three of these. */
const RESUME_BUDGET = 10;

/** One request and everything that comes back for it, over one POST and, where the stream broke, resuming GETs. */
export class Call implements Reply {
  seat = -1;
  readonly #session: HttpSession;
  readonly #request: OutboundRequest;
  readonly #sink: ReplySink;
  readonly #running: Roster<Call>;
  #post: PostExchange | undefined;
  #exchange: HttpRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #answered = false;
  #over = false;
  #lastEventId: string | undefined;
  #retry = DEFAULT_RETRY;
  #budget = RESUME_BUDGET;
  /** Of all the streams that bring this answer together. */
  #allowance: StreamAllowance | undefined;

  constructor(session: HttpSession, request: OutboundRequest, sink: ReplySink, running: Roster<Call>) {
    this.#session = session;
    this.#request = request;
    this.#sink = sink;
    this.#running = running;
  }

  start(): void {
    this.#running.add(this);
    const { pools, path } = this.#session;
    const { caller, headers, method, pieces } = this.#request;
    const body = pieces ?? this.#request.body;
    const exchange = new PostExchange(this, this.#session, this.#request);
    this.#post = exchange;
    this.#exchange = exchange;
    const own = this.#session.postHeaders();
    exchange.send({ lane: laneOf(pools, method), method: 'POST', path, own, headers, body, caller });
  }

  get started(): boolean {
    return this.#post?.started ?? false;
  }

  get answered(): boolean {
    return this.#answered;
  }

  /** Nobody waits any more. */
  abandon(): void {
    // An answered call is only waiting for its stream to end.
    if (!this.#answered) this.#end();
  }

  pause(): void {
    this.#exchange?.pause();
  }

  resume(): void {
    this.#exchange?.resume();
  }

  /** The connection is going away. */
  cancel(error: GatewayError): void {
    if (this.#answered) this.#end();
    else this.fail(this.started ? error : neverStarted(error));
  }

  fail(error: GatewayError): void {
    if (this.#over) return;
    const answered = this.#answered;
    this.#end();
    if (!answered) this.#sink.onError(error);
  }

  /** Takes a message or batch that arrived for this request. */
  deliver(bytes: Buffer): void {
    const peeked = peek(bytes);
    if (peeked?.kind === 'batch') {
      for (const item of splitBatch(bytes) ?? []) if (peek(item)?.kind !== 'batch') this.deliver(item);
      return;
    }
    if (!peeked) this.#session.stray(bytes);
    if (this.#over || !peeked) return;
    if (peeked.kind === 'other') {
      if (this.#answered) this.#session.listener.onMessage(bytes);
      else this.#sink.onMessage(bytes);
      return;
    }
    if (this.#answered) return;
    if (peeked.id === this.#request.id) {
      this.#answered = true;
      this.#sink.onMessage(bytes);
    } else if (peeked.id === undefined && peeked.failed) {
      const { target } = this.#session;
      overheard(target, 'answered with an error that names no request', bytes);
      this.fail(protocolError(target, 'answered with an error that names no request; see its log'));
    }
  }

  receiving(): void {
    if (!this.#over && !this.#answered) this.#sink.onBytes?.();
  }

  /** An event stream for this request. Returns what takes its bytes. */
  stream(): (chunk: Buffer) => void {
    const parser = new SseParser(this.#session.target.limits.event, {
      onEvent: (event) => this.#onEvent(event),
      onRetry: (milliseconds) => {
        this.#retry = Math.min(milliseconds, MAX_RETRY);
      },
    });
    this.#allowance ??= new StreamAllowance(this.#session.target.limits);
    const allowance = this.#allowance;
    return (chunk) => {
      const reached = allowance.take(chunk);
      if (reached) {
        this.fail(streamOver(this.#session.target, reached));
        return;
      }
      try {
        parser.push(chunk);
        if (parser.reading) this.receiving();
      } catch (thrown) {
        const large = thrown instanceof GatewayError && thrown.code === 'UPSTREAM_TOO_LARGE';
        this.fail(
          large ? tooLarge(this.#session.target, this.#session.target.limits.event, 'event') : toGatewayError(thrown),
        );
      }
    };
  }

  /** The exchange is over: fine after the response, a loss before it. */
  ended(error?: Error): void {
    if (this.#answered) {
      this.#end();
      return;
    }
    if (this.#lastEventId !== undefined) {
      this.#resumeLater(error ? 3 : 1);
      return;
    }
    const { target } = this.#session;
    this.fail(
      error
        ? networkError(target, error, true)
        : new GatewayError(
            'UPSTREAM_DISCONNECTED',
            `${subject(target)} ended its answer before the response; the request may have run, so it is not repeated; see its log`,
          ),
    );
  }

  #onEvent(event: SseEvent): void {
    if (event.id !== undefined && this.#session.resumes) this.#lastEventId = resumable(event.id);
    this.#budget = RESUME_BUDGET;
    if (event.data.length === 0 || event.event !== 'message') return;
    const before = this.#answered;
    this.deliver(event.data);
    if (this.#answered && !before && !this.#over) this.#timer = setTimeout(() => this.#end(), LINGER).unref();
  }

  #resumeLater(cost: number): void {
    if (this.#over) return;
    this.#exchange = undefined;
    this.#budget -= cost;
    if (this.#budget < 0) this.resumeRefused('several attempts brought nothing new');
    else this.#timer = setTimeout(() => this.#resume(), this.#retry);
  }

  #resume(): void {
    const { pools, path } = this.#session;
    const exchange = new ResumeExchange(this, this.#session);
    this.#exchange = exchange;
    const own = this.#session.streamHeaders(this.#lastEventId);
    exchange.send({ lane: pools.streams, method: 'GET', path, own, caller: this.#request.caller });
  }

  resumeRefused(why: string): void {
    this.fail(
      new GatewayError(
        'UPSTREAM_DISCONNECTED',
        `${subject(this.#session.target)} broke off its answer, and it could not be resumed: ${why}; the request may have run, so it is not repeated`,
      ),
    );
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#exchange?.abort();
    this.#running.remove(this);
  }
}

function neverStarted({ code, data, message }: GatewayError): GatewayError {
  return new GatewayError(code, message, { data, notExecuted: true });
}
