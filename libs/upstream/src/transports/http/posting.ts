import { GatewayError, type Seated, toGatewayError } from '#libs/kernel';
import type { RequestCaller } from '#libs/plugin';
import { deferred } from '../shared/deferred.js';
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

/** A message on its way: settled once, by the upstream's status or by `cancel`. */
export class Posting extends CredentialedRequest implements Seated {
  seat = -1;
  readonly done: Promise<void>;
  readonly request: boolean;
  readonly #bytes: number;
  readonly #inSession: boolean;
  readonly #resolve: () => void;
  readonly #reject: (error: GatewayError) => void;
  #status = 0;
  #headers: ResponseHeaders = {};
  #parts: Buffer[] = [];
  #size = 0;
  readonly #deadline: NodeJS.Timeout | undefined;

  constructor(session: HttpSession, message: Buffer, options: PostingOptions = {}) {
    super(session);
    this.request = options.request ?? false;
    this.#bytes = message.length;
    this.#inSession = session.id !== undefined || options.path !== undefined;
    const { promise, resolve, reject } = deferred<void>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    if (!options.request) {
      this.#deadline = setTimeout(() => this.cancel(this.#ignored()), session.target.startTimeout).unref();
    }
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
    clearTimeout(this.#deadline);
    this.abort();
    this.#reject(error);
  }

  protected onNoCredential(thrown: unknown): void {
    clearTimeout(this.#deadline);
    this.#reject(toGatewayError(thrown));
  }

  protected onAnswer(status: number, headers: ResponseHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (status > 299) return;
    this.#resolve();
    // Nothing belongs here; a stream would hold the socket.
    if (mediaType(headers) === 'text/event-stream') this.abort();
  }

  protected onBody(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#status > 299) this.#parts.push(chunk);
    if (this.#size <= ERROR_BODY) return;
    this.abort();
    this.onDone();
  }

  protected onDone(): void {
    clearTimeout(this.#deadline);
    if (this.#status <= 299) return;
    const { target } = this.session;
    const asked = { method: 'POST', inSession: this.#inSession, bytes: this.#bytes } as const;
    const outcome = statusOutcome(target, asked, this.#status, this.#headers, Buffer.concat(this.#parts));
    if (!('deliver' in outcome)) this.#reject(outcome);
  }

  #ignored(): GatewayError {
    const { target } = this.session;
    const text = `${subject(target)} did not take a message within ${target.startTimeout} ms (connection.start_timeout); see its log`;
    return new GatewayError('UPSTREAM_DISCONNECTED', text);
  }

  protected onFailed(error: Error, sent: boolean): void {
    clearTimeout(this.#deadline);
    this.#reject(networkError(this.session.target, error, sent));
  }
}
