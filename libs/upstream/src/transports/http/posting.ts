import { type GatewayError, toGatewayError } from '#libs/kernel';
import { deferred } from '../shared/deferred.js';
import { HttpRequest, mediaType, type ResponseHeaders } from './http-request.js';
import type { HttpSession } from './http-session.js';
import { networkError } from './network-errors.js';
import { flatten, withHeaders } from './request-headers.js';
import { ERROR_BODY, statusOutcome } from './status-errors.js';

export interface PostingOptions {
  /** Path and query, when it is not the session's own. */
  readonly path?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A notification or response on its way: settled once, by the upstream's status or by `cancel`. */
export class Posting extends HttpRequest {
  readonly done: Promise<void>;
  readonly #session: HttpSession;
  readonly #bytes: number;
  readonly #resolve: () => void;
  readonly #reject: (error: GatewayError) => void;
  #status = 0;
  #headers: ResponseHeaders = {};
  #parts: Buffer[] = [];
  #size = 0;

  constructor(session: HttpSession, message: Buffer, options: PostingOptions = {}) {
    super();
    this.#session = session;
    this.#bytes = message.length;
    const { promise, resolve, reject } = deferred<void>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    withHeaders(
      session.source,
      (credential) => {
        const headers = flatten(session.postHeaders(), options.headers, credential);
        const path = options.path ?? session.path;
        session.pools.control.dispatch({ path, method: 'POST', headers, body: message }, this);
      },
      (thrown) => reject(toGatewayError(thrown)),
    );
  }

  cancel(error: GatewayError): void {
    this.abort();
    this.#reject(error);
  }

  protected onHead(status: number, headers: ResponseHeaders): void {
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
    if (this.#status <= 299) return;
    const { target, id } = this.#session;
    const asked = { method: 'POST', inSession: id !== undefined, bytes: this.#bytes } as const;
    const outcome = statusOutcome(target, asked, this.#status, this.#headers, Buffer.concat(this.#parts));
    if (!('deliver' in outcome)) this.#reject(outcome);
  }

  protected onFailed(error: Error, sent: boolean): void {
    this.#reject(networkError(this.#session.target, error, sent));
  }
}
