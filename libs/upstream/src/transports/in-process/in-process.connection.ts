import { GatewayError, messageOf } from '#libs/kernel';
import type {
  Connection,
  ConnectionListener,
  ConnectionStatus,
  InProcessMcpServer,
  OutboundRequest,
  ReplySink,
  UpstreamTarget,
} from '#libs/plugin';
import { size, subject } from '../shared/text.js';

/** A JSON-RPC message as SDK servers hold it. */
interface ServerMessage {
  readonly id?: unknown;
  readonly method?: unknown;
}

/** The transport an SDK v1 server is connected to: its half of the conversation. */
interface ServerTransport {
  start(): Promise<void>;
  send(message: ServerMessage, options?: { readonly relatedRequestId?: unknown }): Promise<void>;
  close(): Promise<void>;
  onmessage?: (message: unknown) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  setProtocolVersion?: (version: string) => void;
}

/** A conversation with a server object in this process. Messages still cross as JSON text, so nothing is shared. */
export class InProcessConnection implements Connection {
  readonly attribution = 'request';
  readonly sessionId = undefined;
  readonly #target: UpstreamTarget;
  readonly #server: InProcessMcpServer;
  readonly #listener: ConnectionListener;
  readonly #open = new Map<number, ReplySink>();
  readonly #transport: ServerTransport;
  #ended: GatewayError | undefined;

  constructor(target: UpstreamTarget, server: InProcessMcpServer, listener: ConnectionListener) {
    this.#target = target;
    this.#server = server;
    this.#listener = listener;
    this.#transport = {
      start: async () => {},
      send: async (message, options) => this.#fromServer(message, options?.relatedRequestId),
      close: async () => {
        this.#fail(new GatewayError('UPSTREAM_DISCONNECTED', `${subject(target)} closed its connection`));
        this.#transport.onclose?.();
      },
    };
  }

  /** @throws whatever the server throws */
  async start(): Promise<void> {
    await this.#server.connect(this.#transport as never);
  }

  send(request: OutboundRequest, sink: ReplySink): { abandon(): void } {
    if (this.#ended) {
      const error = new GatewayError('UPSTREAM_DISCONNECTED', this.#ended.message, { notExecuted: true });
      process.nextTick(() => sink.onError(error));
    } else {
      this.#open.set(request.id, sink);
      this.#toServer(request.body);
    }
    return {
      abandon: () => {
        if (this.#open.get(request.id) === sink) this.#open.delete(request.id);
      },
    };
  }

  async post(message: Buffer): Promise<void> {
    if (this.#ended) throw this.#ended;
    this.#toServer(message);
  }

  setProtocolVersion(version: string): void {
    this.#transport.setProtocolVersion?.(version);
  }

  listen(): void {}

  status(): ConnectionStatus {
    return {};
  }

  async close(): Promise<void> {
    this.#end(new GatewayError('UPSTREAM_DISCONNECTED', `${subject(this.#target)} was closed by the gateway`));
    // What was sent last is on its way.
    await Promise.resolve();
    try {
      await this.#server.close();
    } catch (thrown) {
      this.#target.log.warn({ reason: messageOf(thrown) }, `${subject(this.#target)} failed while it was closed`);
    }
  }

  // A server that answers at once must not answer inside `send`, and one that throws must not throw there.
  #toServer(message: Buffer): void {
    queueMicrotask(() => {
      try {
        this.#transport.onmessage?.(JSON.parse(message.toString('utf8')));
      } catch (thrown) {
        this.#transport.onerror?.(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    });
  }

  #fromServer(message: ServerMessage, related: unknown): void {
    if (this.#ended) throw new Error('The gateway closed this connection');
    const text = JSON.stringify(message);
    const isResponse = message.method === undefined;
    const request = isResponse ? message.id : related;
    queueMicrotask(() =>
      this.#deliver(Buffer.from(text), typeof request === 'number' ? request : undefined, isResponse),
    );
  }

  #deliver(message: Buffer, request: number | undefined, isResponse: boolean): void {
    if (this.#ended) return;
    const sink = request === undefined ? undefined : this.#open.get(request);
    // A response nobody waits for any more.
    if (isResponse && !sink) return;
    if (isResponse && request !== undefined) this.#open.delete(request);
    const limit = this.#target.limits.response;
    try {
      if (message.length <= limit) (sink ?? this.#listener).onMessage(message);
      else if (isResponse) {
        sink?.onError(
          new GatewayError(
            'UPSTREAM_TOO_LARGE',
            `${subject(this.#target)} answered ${size(message.length)}, over the limit of ${size(limit)}; ` +
              'raise connection.limits.response if that is wanted',
            { data: { key: 'proxy.servers[].connection.limits.response' } },
          ),
        );
      }
    } catch (thrown) {
      this.#target.log.error(
        { reason: messageOf(thrown) },
        `A message of ${subject(this.#target)} could not be handled`,
      );
    }
  }

  #fail(error: GatewayError): void {
    if (this.#ended) return;
    this.#end(error);
    this.#listener.onClose(error);
  }

  #end(error: GatewayError): void {
    if (this.#ended) return;
    this.#ended = error;
    const sinks = [...this.#open.values()];
    this.#open.clear();
    for (const sink of sinks) sink.onError(error);
  }
}
