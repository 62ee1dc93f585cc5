import { GatewayError, toGatewayError } from '#libs/kernel';
import { type SseEvent, SseParser } from '#libs/mcp';
import type { Connection, ConnectionStatus, OutboundRequest, ReplySink, RequestHandle } from '#libs/plugin';
import { CredentialedRequest } from '../http/credentialed-request.js';
import { mediaType, type ResponseHeaders } from '../http/http-request.js';
import type { HttpSession } from '../http/http-session.js';
import { networkError } from '../http/network-errors.js';
import type { Posting, PostingOptions } from '../http/posting.js';
import { Postings } from '../http/postings.js';
import {
  contentTypeProblem,
  ERROR_BODY,
  encodingProblem,
  protocolError,
  statusOutcome,
  streamOver,
  tooLarge,
} from '../http/status-errors.js';
import { StreamAllowance, type StreamLimit } from '../http/stream-allowance.js';
import { type Deferred, deferred } from '../shared/deferred.js';
import { SharedChannel } from '../shared/shared-channel.js';
import { printable, subject } from '../shared/text.js';

/** Most messages on their way at once; each waits only for its 202. */
const MAX_POSTING = 1_024;

/** One conversation over HTTP+SSE: messages arrive on the stream, and are posted to the address it named first. */
export class SseConnection implements Connection {
  readonly attribution = 'connection';
  readonly sessionId = undefined;
  readonly #session: HttpSession;
  readonly #channel: SharedChannel;
  readonly #stream: EndpointStream;
  readonly #postings = new Postings();
  #closing: Promise<void> | undefined;
  #endpoint: string | undefined;
  #opened: Deferred<void> | undefined = deferred<void>();

  constructor(session: HttpSession) {
    this.#session = session;
    this.#channel = new SharedChannel(subject(session.target), session.target.log, session.listener);
    this.#stream = new EndpointStream(
      session,
      (event) => this.#onEvent(event),
      (error) => this.#lost(error),
      (reached) => this.#worn(reached),
    );
  }

  /**
   * Opens the stream and waits for the address to post to.
   * @throws GatewayError
   */
  async open(signal: AbortSignal): Promise<void> {
    const { target } = this.#session;
    const give = (why: string) => () =>
      this.#lost(new GatewayError('UPSTREAM_UNREACHABLE', `${subject(target)} ${why}`, { notExecuted: true }));
    const aborted = give('was given up while it was connected');
    const timer = setTimeout(
      give(
        `sent no endpoint event within ${target.startTimeout} ms (connection.start_timeout); is it a server of the older HTTP+SSE transport?`,
      ),
      target.startTimeout,
    );
    signal.addEventListener('abort', aborted, { once: true });
    const opened = this.#opened?.promise;
    if (signal.aborted) aborted();
    else this.#stream.start();
    try {
      await opened;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    }
  }

  send(request: OutboundRequest, sink: ReplySink): RequestHandle {
    let posting: Posting | undefined;
    if (this.#channel.open(request.id, sink)) {
      try {
        posting = this.#begin(request.body, { headers: request.headers, caller: request.caller, request: true });
        posting.done.catch((error) => this.#channel.failOne(request.id, toGatewayError(error)));
      } catch (thrown) {
        const error = toGatewayError(thrown);
        process.nextTick(() => this.#channel.failOne(request.id, error));
      }
    }
    return {
      get started() {
        return posting?.started ?? false;
      },
      abandon: () => {
        this.#channel.abandon(request.id, sink);
        posting?.cancel(new GatewayError('UPSTREAM_DISCONNECTED', 'nobody waits any more'));
      },
    };
  }

  async post(message: Buffer): Promise<void> {
    if (this.#channel.ended) throw this.#channel.ended;
    await this.#begin(message).done;
  }

  setProtocolVersion(version: string): void {
    this.#session.version = version;
  }

  listen(): void {}

  status(): ConnectionStatus {
    return {};
  }

  close(): Promise<void> {
    const text = `${subject(this.#session.target)} was disconnected by the gateway`;
    this.#closing ??= this.#close(new GatewayError('UPSTREAM_DISCONNECTED', text));
    return this.#closing;
  }

  /** The server forgets the session with the stream, and what it is told after that. */
  async #close(ended: GatewayError): Promise<void> {
    this.#channel.close(ended);
    await this.#postings.flush(() => ended);
    this.#end();
  }

  #begin(message: Buffer, options: PostingOptions = {}): Posting {
    if (this.#postings.size >= MAX_POSTING) {
      throw new GatewayError('UPSTREAM_BUSY', `${subject(this.#session.target)} takes no more messages for now`, {
        notExecuted: true,
      });
    }
    return this.#postings.post(this.#session, message, { ...options, path: this.#endpoint });
  }

  #onEvent(event: SseEvent): void {
    if (event.event === 'endpoint') this.#onEndpoint(event.data.toString('utf8'));
    else if (event.event === 'message' && event.data.length > 0) this.#channel.receive(event.data);
  }

  #onEndpoint(address: string): void {
    if (this.#endpoint !== undefined) return;
    const { target } = this.#session;
    const base = new URL(target.url as string);
    if (!URL.canParse(address, base.href)) {
      this.#lost(protocolError(target, `named an endpoint that is no URL: ${printable(address, 100)}`));
      return;
    }
    const url = new URL(address, base);
    // Credentials go where the configuration says and nowhere else.
    if (url.origin !== base.origin) {
      this.#lost(
        protocolError(target, `named an endpoint on another origin (${printable(url.origin, 100)}); that is refused`),
      );
      return;
    }
    this.#endpoint = url.pathname + url.search;
    this.#opened?.resolve();
    this.#opened = undefined;
  }

  /** The stream is the conversation, so both are replaced. Requests under way get their answers first, within another such limit. */
  #worn(reached: StreamLimit): void {
    const { listener, target } = this.#session;
    const why = streamOver(target, reached);
    listener.onLimit?.(`limits.${reached}`, new GatewayError('UPSTREAM_DISCONNECTED', why.message, { data: why.data }));
  }

  #lost(error: GatewayError): void {
    this.#end();
    if (this.#opened) {
      this.#channel.close(error);
      this.#opened.reject(error);
      this.#opened = undefined;
    } else this.#channel.fail(error);
  }

  #end(): void {
    this.#stream.abort();
    const error = new GatewayError('UPSTREAM_DISCONNECTED', `${subject(this.#session.target)} is no longer connected`);
    this.#postings.cancel(error);
  }
}

/** The GET whose event stream is the conversation. */
class EndpointStream extends CredentialedRequest {
  readonly #onLost: (error: GatewayError) => void;
  readonly #onWorn: (reached: StreamLimit) => void;
  readonly #parser: SseParser;
  #allowance: StreamAllowance;
  #worn = false;
  #lifetime: NodeJS.Timeout | undefined;
  #status = 0;
  #headers: ResponseHeaders = {};
  #parts: Buffer[] = [];
  #size = 0;

  constructor(
    session: HttpSession,
    onEvent: (event: SseEvent) => void,
    onLost: (error: GatewayError) => void,
    onWorn: (reached: StreamLimit) => void,
  ) {
    super(session);
    this.#onLost = onLost;
    this.#onWorn = onWorn;
    this.#allowance = new StreamAllowance(session.target.limits);
    this.#parser = new SseParser(session.target.limits.event, { onEvent });
  }

  start(): void {
    const { pools, path } = this.session;
    this.send({ lane: pools.streams, method: 'GET', path, own: this.session.streamHeaders(undefined) });
  }

  override abort(): void {
    clearTimeout(this.#lifetime);
    super.abort();
  }

  protected onNoCredential(thrown: unknown): void {
    this.#onLost(toGatewayError(thrown));
  }

  protected onAnswer(status: number, headers: ResponseHeaders): void {
    const { target } = this.session;
    this.#status = status;
    this.#headers = headers;
    const problem = encodingProblem(target, headers);
    if (problem) this.#onLost(problem);
    else if (status < 300 && mediaType(headers) !== 'text/event-stream') {
      this.#onLost(contentTypeProblem(target, status, headers));
    } else if (status < 300) {
      this.#lifetime = setTimeout(() => this.#wear('stream_lifetime'), target.limits.streamLifetime).unref();
    }
  }

  protected onBody(chunk: Buffer): void {
    if (this.#status > 299) {
      this.#size += chunk.length;
      this.#parts.push(chunk);
      if (this.#size <= ERROR_BODY) return;
      this.abort();
      this.onDone();
      return;
    }
    const reached = this.#allowance.take(chunk);
    if (reached) this.#wear(reached);
    if (this.over) return;
    try {
      this.#parser.push(chunk);
    } catch {
      const { target } = this.session;
      this.#onLost(tooLarge(target, target.limits.event, 'event'));
    }
  }

  /** The first time it only has to be replaced; one that goes on like that for as long again is cut. */
  #wear(reached: StreamLimit): void {
    clearTimeout(this.#lifetime);
    if (this.#worn) {
      if (reached === 'stream') this.#onLost(streamOver(this.session.target, reached));
      return;
    }
    this.#worn = true;
    this.#allowance = new StreamAllowance(this.session.target.limits);
    this.#onWorn(reached);
  }

  protected onDone(): void {
    clearTimeout(this.#lifetime);
    const { target } = this.session;
    if (this.#status <= 299) {
      this.#onLost(new GatewayError('UPSTREAM_DISCONNECTED', `${subject(target)} ended its event stream; see its log`));
      return;
    }
    const asked = { method: 'GET', inSession: false, bytes: 0 } as const;
    const outcome = statusOutcome(target, asked, this.#status, this.#headers, Buffer.concat(this.#parts));
    if (outcome instanceof GatewayError) this.#onLost(outcome);
  }

  protected onFailed(error: Error, sent: boolean): void {
    const { target } = this.session;
    if (this.#status === 0) this.#onLost(networkError(target, error, sent));
    else {
      const text = `${subject(target)} broke off its event stream (${printable(error.message, 100)}); what was under way may have run; see its log`;
      this.#onLost(new GatewayError('UPSTREAM_DISCONNECTED', text, { cause: error }));
    }
  }
}
