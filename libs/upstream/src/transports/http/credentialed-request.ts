import type { ClientPool } from '#libs/egress';
import { type Buffers, lengthOf } from '#libs/mcp';
import type { RequestCaller } from '#libs/plugin';
import { HttpRequest, type ResponseHeaders } from './http-request.js';
import type { HttpSession } from './http-session.js';

type Headers = Readonly<Record<string, string>>;

const NONE: Headers = {};

/** One HTTP request as it is to be sent, but for its credential. */
export interface Outgoing {
  readonly lane: ClientPool;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** The connection's own headers: name, value, name, value. */
  readonly own: readonly string[];
  /** Headers of this one request. */
  readonly headers?: Headers | undefined;
  readonly body?: Buffers;
  /** Whom it is for; the connection's last caller when absent. */
  readonly caller?: RequestCaller | undefined;
}

/**
 * An exchange under a credential, which is asked for each time: at once when it is at hand, which it nearly always is.
 * An upstream's 401 before any byte of an answer has run nothing: where another credential can be had the request is
 * sent once more with that one. A second 401 is the answer.
 */
export abstract class CredentialedRequest extends HttpRequest {
  #outgoing: Outgoing | undefined;
  #credential: Headers = NONE;
  #renewed = false;

  constructor(protected readonly session: HttpSession) {
    super();
  }

  /** There is no credential, so nothing was sent. Not called while `send` is on the stack. */
  protected abstract onNoCredential(thrown: unknown): void;
  /** The answer's head; no 401 that another credential may mend. */
  protected abstract onAnswer(status: number, headers: ResponseHeaders): void;

  send(outgoing: Outgoing): void {
    this.#outgoing = outgoing;
    let credential: ReturnType<HttpSession['source']>;
    try {
      credential = this.session.source(outgoing.caller);
    } catch (thrown) {
      process.nextTick(() => this.#missing(thrown));
      return;
    }
    if (credential instanceof Promise) {
      credential.then(
        (headers) => this.#dispatch(outgoing, headers),
        (thrown: unknown) => this.#missing(thrown),
      );
    } else this.#dispatch(outgoing, credential);
  }

  /** This answer is the one: what would be sent again is forgotten. */
  protected settle(): void {
    this.#outgoing = undefined;
    this.#credential = NONE;
    this.forgetHead();
  }

  protected onHead(status: number, headers: ResponseHeaders): void {
    if (status === 401 && this.#refused(headers)) {
      this.restart();
      this.send(this.#outgoing as Outgoing);
    } else this.onAnswer(status, headers);
  }

  #dispatch(outgoing: Outgoing, credential: Headers): void {
    if (this.over) return;
    this.#credential = credential;
    const { body, lane, method, path } = outgoing;
    const headers = this.session.headersFor(outgoing.own, credential).with(outgoing.headers);
    // Of pieces undici cannot know how long they are together.
    if (body && !Buffer.isBuffer(body)) headers.push('content-length', String(lengthOf(body)));
    lane.dispatch({ path, method, headers, body: (body as Buffer | undefined) ?? null }, this);
  }

  #refused(headers: ResponseHeaders): boolean {
    if (this.#renewed) return false;
    this.#renewed = true;
    const challenge = headers['www-authenticate'] ?? [];
    return this.session.refused({
      headers: this.#credential,
      caller: this.#outgoing?.caller,
      challenges: typeof challenge === 'string' ? [challenge] : challenge,
    });
  }

  #missing(thrown: unknown): void {
    if (!this.over) this.onNoCredential(thrown);
  }
}
