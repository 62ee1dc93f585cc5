import { type Due, GatewayError, toGatewayError } from '#libs/kernel';
import type { RequestCaller } from '#libs/plugin';
import { type Deferred, deferred } from '../shared/deferred.js';
import { subject } from '../shared/text.js';
import { CredentialedRequest } from './credentialed-request.js';
import { mediaType, type ResponseHeaders } from './http-request.js';
import type { HttpSession } from './http-session.js';
import { networkError } from './network-errors.js';
import { ERROR_BODY, statusOutcome } from './status-errors.js';

export interface PostingOptions {
  /** Path and query that the server named for this session, when it is not the configured one. */
  readonly path?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** It is a request, whose answer comes another way: some servers take it only when they have done it. */
  readonly request?: boolean;
  readonly caller?: RequestCaller | undefined;
}

/** Who keeps the messages that are on their way. */
export interface PostingOwner {
  /** The upstream took it, refused it, or never will: once for each. */
  settled(posting: Posting): void;
}

/** A message on its way: settled once, by the upstream's status or by `cancel`. */
export class Posting extends CredentialedRequest implements Due {
  seat = -1;
  due = 0;
  readonly done: Promise<void>;
  readonly request: boolean;
  readonly #bytes: number;
  readonly #inSession: boolean;
  readonly #owner: PostingOwner;
  readonly #answered: Deferred<void>;
  #settled = false;
  #status = 0;
  #headers: ResponseHeaders = {};
  /** Of a refusal. */
  #parts: Buffer[] | undefined;
  #size = 0;

  constructor(session: HttpSession, owner: PostingOwner, message: Buffer, options: PostingOptions) {
    super(session);
    this.#owner = owner;
    this.request = options.request ?? false;
    this.#bytes = message.length;
    this.#inSession = session.id !== undefined || options.path !== undefined;
    this.#answered = deferred<void>();
    this.done = this.#answered.promise;
  }

  /** Once its owner has it. */
  start(message: Buffer, options: PostingOptions): void {
    const { session } = this;
    if (!this.request) session.pools.clock.set(this, performance.now() + session.target.startTimeout);
    this.send({
      lane: options.request ? session.pools.calls : session.pools.control,
      method: 'POST',
      path: options.path ?? session.path,
      own: session.postHeaders(),
      headers: options.headers,
      body: message,
      caller: options.caller,
    });
  }

  cancel(error: GatewayError): void {
    this.abort();
    this.#failed(error);
  }

  /** It got no answer in time. */
  onDue(): void {
    this.cancel(this.#ignored());
  }

  protected onNoCredential(thrown: unknown): void {
    this.#failed(toGatewayError(thrown));
  }

  protected onAnswer(status: number, headers: ResponseHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (status > 299) return;
    this.#taken();
    // Nothing belongs here; a stream would hold the socket.
    if (mediaType(headers) !== 'text/event-stream') return;
    this.abort();
    this.session.pools.clock.cancel(this);
  }

  protected onBody(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#status > 299) {
      this.#parts ??= [];
      this.#parts.push(chunk);
    }
    if (this.#size <= ERROR_BODY) return;
    this.abort();
    this.onDone();
  }

  protected onDone(): void {
    this.session.pools.clock.cancel(this);
    if (this.#status <= 299) return;
    const { target } = this.session;
    const asked = { method: 'POST', inSession: this.#inSession, bytes: this.#bytes } as const;
    const outcome = statusOutcome(target, asked, this.#status, this.#headers, Buffer.concat(this.#parts ?? []));
    if (!('deliver' in outcome)) this.#failed(outcome);
  }

  protected onFailed(error: Error, sent: boolean): void {
    this.#failed(networkError(this.session.target, error, sent));
  }

  #taken(): void {
    if (this.#settle()) this.#answered.resolve();
  }

  #failed(error: GatewayError): void {
    this.session.pools.clock.cancel(this);
    if (this.#settle()) this.#answered.reject(error);
  }

  /** False when it was settled before. */
  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#owner.settled(this);
    return true;
  }

  #ignored(): GatewayError {
    const { target } = this.session;
    const text = `${subject(target)} did not take a message within ${target.startTimeout} ms (connection.start_timeout); see its log`;
    return new GatewayError('UPSTREAM_DISCONNECTED', text);
  }
}
