import { GatewayError } from '#libs/kernel';
import type { Connection, ConnectionListener, OutboundRequest, ReplySink } from '#libs/plugin';

type Json = Record<string, unknown>;

/** A request as the other side of a scripted connection sees it. */
export interface Received {
  readonly id: number;
  readonly method: string;
  readonly params: Json;
  readonly headers: Readonly<Record<string, string>>;
  readonly sink: ReplySink;
  abandoned: boolean;
}

/** The upstream end of a connection, held by a test: says what it likes, when it likes. */
export class ScriptedConnection implements Connection {
  readonly received: Received[] = [];
  readonly posted: Json[] = [];
  protocolVersion: string | undefined;
  listening = false;
  closed = false;
  /** Answer to `initialize`. */
  welcome: Json = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'scripted', version: '1' } };
  onRequest: ((request: Received) => void) | undefined;
  readonly #waiters: { ready: () => boolean; resolve: () => void }[] = [];
  #listener: ConnectionListener | undefined;

  constructor(
    readonly attribution: 'request' | 'connection' = 'connection',
    readonly sessionId: string | undefined = undefined,
  ) {}

  attach(listener: ConnectionListener): this {
    this.#listener = listener;
    return this;
  }

  send(request: OutboundRequest, sink: ReplySink): { abandon(): void } {
    const message = JSON.parse(request.body.toString()) as { id: number; method: string; params?: Json };
    const received: Received = {
      id: message.id,
      method: message.method,
      params: message.params ?? {},
      headers: request.headers ?? {},
      sink,
      abandoned: false,
    };
    this.received.push(received);
    queueMicrotask(() => {
      if (received.method === 'initialize') this.answer(received, this.welcome);
      else this.onRequest?.(received);
      this.#progress();
    });
    return {
      abandon: () => {
        received.abandoned = true;
      },
    };
  }

  async post(message: Buffer): Promise<void> {
    if (this.closed) throw new GatewayError('UPSTREAM_DISCONNECTED', 'closed');
    this.posted.push(JSON.parse(message.toString()) as Json);
    this.#progress();
  }

  setProtocolVersion(version: string): void {
    this.protocolVersion = version;
  }

  listen(): void {
    this.listening = true;
  }

  status(): { pid?: number; stderr?: readonly string[] } {
    return {};
  }

  async close(): Promise<void> {
    this.closed = true;
    this.#progress();
  }

  /** Sends a message; on the stream of `on` when the wire has one per request. */
  say(message: Json | string, on?: Received): void {
    const bytes = Buffer.from(typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message }));
    if (on && this.attribution === 'request') on.sink.onMessage(bytes);
    else this.#listener?.onMessage(bytes);
  }

  answer(request: Received, result: unknown): void {
    this.say({ id: request.id, result }, request);
  }

  break(error: GatewayError): void {
    for (const request of this.received) request.sink.onError(error);
    this.#listener?.onClose(error);
  }

  /** The n-th request of a method, as soon as it is there. */
  async request(method: string, nth = 1): Promise<Received> {
    const all = () => this.received.filter((request) => request.method === method);
    await this.until(() => all().length >= nth);
    return all()[nth - 1]!;
  }

  async until(ready: () => boolean): Promise<void> {
    if (ready()) return;
    await new Promise<void>((resolve) => this.#waiters.push({ ready, resolve }));
  }

  #progress(): void {
    for (const waiter of [...this.#waiters]) {
      if (!waiter.ready()) continue;
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.resolve();
    }
  }
}
