import type { Dispatcher } from 'undici';

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/**
 * One HTTP exchange as undici drives it. Nothing is reported after `abort`; `failed` comes at most once, and never while
 * `dispatch` is still on the stack.
 */
export abstract class HttpRequest implements Dispatcher.DispatchHandler {
  #controller: Dispatcher.DispatchController | undefined;
  #over = false;

  /** The response head; informational ones are left out. */
  protected abstract onHead(status: number, headers: ResponseHeaders): void;
  protected abstract onBody(chunk: Buffer): void;
  protected abstract onDone(): void;
  /** `sent` is false when the request provably never reached the upstream. */
  protected abstract onFailed(error: Error, sent: boolean): void;

  /** Whether nothing more will be reported. */
  get over(): boolean {
    return this.#over;
  }

  /** False while nothing of the request has been written to a socket. */
  get started(): boolean {
    return this.#controller !== undefined;
  }

  /** Ends the exchange and frees its socket. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#controller?.abort(new Error('abandoned'));
  }

  /** Leaves the rest of the answer with the upstream, until `resume`. */
  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    if (!this.#over) this.#controller?.resume();
  }

  /** What the head said is known: a stream that stands need not keep its bytes. */
  protected forgetHead(): void {
    if (this.#controller) this.#controller.rawHeaders = null;
  }

  /** Forgets the attempt under way, of which nothing was reported yet, so that the request can be dispatched again. */
  protected restart(): void {
    const controller = this.#controller;
    this.#controller = undefined;
    controller?.abort(new Error('sent again'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown, not aborted: an abort would cost the socket although nothing was written to it.
    if (this.#over) throw new Error('abandoned');
    this.#controller = controller;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    if (this.#current(controller) && status >= 200) this.onHead(status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#current(controller)) this.onBody(chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (!this.#current(controller)) return;
    this.#over = true;
    this.onDone();
  }

  onResponseError(controller: Dispatcher.DispatchController | null, error: Error): void {
    // No controller: it never got to a socket.
    if (!controller) process.nextTick(() => this.#fail(error, false));
    else if (controller === this.#controller) this.#fail(error, true);
  }

  #fail(error: Error, sent: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.onFailed(error, sent);
  }

  /** Events of an attempt that was given up for another are nobody's. */
  #current(controller: Dispatcher.DispatchController): boolean {
    return !this.#over && controller === this.#controller;
  }
}

/** The first value of a header. */
export function headerOf(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The media type without its parameters, in lower case; empty when there is none. */
export function mediaType(headers: ResponseHeaders): string {
  const type = headerOf(headers, 'content-type') ?? '';
  // As nearly all have it: nothing to take apart.
  if (type === 'application/json' || type === 'text/event-stream') return type;
  return type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
