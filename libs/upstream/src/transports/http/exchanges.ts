import { BodyCollector, GatewayError, toGatewayError } from '#libs/kernel';
import type { OutboundRequest } from '#libs/plugin';
import { subject } from '../shared/text.js';
import { CredentialedRequest } from './credentialed-request.js';
import { headerOf, mediaType, type ResponseHeaders } from './http-request.js';
import type { HttpSession } from './http-session.js';
import { networkError } from './network-errors.js';
import {
  contentTypeProblem,
  ERROR_BODY,
  encodingProblem,
  overheard,
  protocolError,
  statusOutcome,
  tooLarge,
} from './status-errors.js';

/** Where what an exchange brings goes. */
export interface Reply {
  deliver(message: Buffer): void;
  /** The response was delivered. */
  readonly answered: boolean;
  /** An answer that does not come in one piece has come a piece further. */
  receiving(): void;
  /** Begins an event stream. Returns what takes its bytes. */
  stream(): (chunk: Buffer) => void;
  /** The stream is over, by itself or by an error. */
  ended(error?: Error): void;
  resumeRefused(why: string): void;
  fail(error: GatewayError): void;
}

const NOTHING = Buffer.alloc(0);

/** The POST that carries the request. */
export class PostExchange extends CredentialedRequest {
  readonly #reply: Reply;
  readonly #request: OutboundRequest;
  #status = 0;
  #headers: ResponseHeaders = {};
  #stream: ((chunk: Buffer) => void) | undefined;
  #body: BodyCollector | undefined;

  constructor(reply: Reply, session: HttpSession, request: OutboundRequest) {
    super(session);
    this.#reply = reply;
    this.#request = request;
  }

  protected onNoCredential(thrown: unknown): void {
    const { code, message, data } = toGatewayError(thrown);
    const failed = `${subject(this.session.target)} got no credential: its provider failed`;
    const text = code === 'INTERNAL' ? failed : message;
    this.#reply.fail(new GatewayError(code, text, { data, cause: thrown, notExecuted: true }));
  }

  protected onAnswer(status: number, headers: ResponseHeaders): void {
    const { target } = this.session;
    this.#status = status;
    this.#headers = headers;
    const unreadable = encodingProblem(target, headers);
    if (unreadable) this.#reply.fail(unreadable);
    else if (status <= 299) this.#onResponse(status, headers);
  }

  #onResponse(status: number, headers: ResponseHeaders): void {
    const { target } = this.session;
    const announced = Number(headerOf(headers, 'content-length') ?? 0);
    const badSession = this.#request.method === 'initialize' ? this.session.adopt(headers) : undefined;
    const type = mediaType(headers);
    if (badSession) this.#reply.fail(badSession);
    else if (type === 'text/event-stream') this.#stream = this.#reply.stream();
    else if (type !== 'application/json') this.#reply.fail(contentTypeProblem(target, status, headers));
    else if (announced > target.limits.response) this.#tooLarge();
    else this.#body = new BodyCollector(announced);
  }

  protected onBody(chunk: Buffer): void {
    if (this.#stream) this.#stream(chunk);
    else this.#collect(chunk);
  }

  #collect(chunk: Buffer): void {
    this.#body ??= new BodyCollector();
    const body = this.#body;
    const failed = this.#status > 299;
    // The rest of an error page explains nothing.
    if (failed && body.size > ERROR_BODY) return;
    if (body.size > 0) this.#reply.receiving();
    body.add(chunk);
    if (!failed && body.size > this.session.target.limits.response) this.#tooLarge();
    else if (failed && body.size > ERROR_BODY) {
      this.abort();
      this.onDone();
    }
  }

  protected onDone(): void {
    if (this.#stream) this.#reply.ended();
    else this.#conclude();
  }

  #conclude(): void {
    const { target, id } = this.session;
    const body = this.#body?.take() ?? NOTHING;
    let json = body;
    if (this.#status > 299) {
      const asked = {
        method: 'POST',
        id: this.#request.id,
        inSession: id !== undefined,
        bytes: this.#request.body.length,
      } as const;
      const outcome = statusOutcome(target, asked, this.#status, this.#headers, body);
      if (outcome instanceof GatewayError) {
        this.#reply.fail(outcome);
        return;
      }
      json = outcome.deliver;
    }
    this.#reply.deliver(json);
    if (this.#reply.answered) {
      this.#reply.ended();
      return;
    }
    overheard(target, 'sent what does not answer the request', body);
    const sent = body.length === 0 ? 'nothing' : 'something else';
    this.#reply.fail(protocolError(target, `did not answer the request but sent ${sent}; see its log`));
  }

  protected onFailed(error: Error, sent: boolean): void {
    if (this.#stream) this.#reply.ended(error);
    else this.#reply.fail(networkError(this.session.target, error, sent));
  }

  #tooLarge(): void {
    const { target } = this.session;
    this.#reply.fail(tooLarge(target, target.limits.response, 'response'));
  }
}

/** A GET that continues a broken stream behind its last event (`L:http`, resumability). */
export class ResumeExchange extends CredentialedRequest {
  readonly #reply: Reply;
  #stream: ((chunk: Buffer) => void) | undefined;
  #temporary = false;

  constructor(reply: Reply, session: HttpSession) {
    super(session);
    this.#reply = reply;
  }

  /** There may be one later. */
  protected onNoCredential(): void {
    this.#reply.ended(new Error('no credential'));
  }

  protected onAnswer(status: number, headers: ResponseHeaders): void {
    if (status === 200 && mediaType(headers) === 'text/event-stream') this.#stream = this.#reply.stream();
    else if (status >= 500 || status === 429 || status === 409) this.#temporary = true;
    else this.#reply.resumeRefused(`it answered HTTP ${status}`);
  }

  protected onBody(chunk: Buffer): void {
    this.#stream?.(chunk);
  }

  protected onDone(): void {
    this.#reply.ended(this.#temporary ? new Error('refused for now') : undefined);
  }

  protected onFailed(error: Error): void {
    this.#reply.ended(error);
  }
}
