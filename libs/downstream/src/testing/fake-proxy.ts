import {
  type ClientSession,
  type Endpoint,
  type Exchange,
  GatewayError,
  type Outcome,
  type Spelling,
} from '#libs/kernel';
import type { NotificationMessage, RequestMessage } from '#libs/mcp';
import { type Listening, type ListenWish, McpProxy, type SessionChannel } from '#libs/proxy';

export type FakeHandler = (exchange: Exchange, request: RequestMessage) => Outcome | Promise<Outcome>;

export function result(value: unknown): Outcome {
  return { kind: 'result', result: Buffer.from(JSON.stringify(value)) };
}

/** Sends a progress notification on the exchange's stream. */
export function progress(exchange: Exchange, value: number): void {
  const params = Buffer.from(JSON.stringify({ progressToken: 1, progress: value }));
  exchange.notify({ method: 'notifications/progress', params });
}

/** The proxy's stand-in: does what a test tells it to, per method, and records what reached it. */
export class FakeProxy extends McpProxy {
  readonly handlers = new Map<string, FakeHandler>();
  readonly handled: string[] = [];
  readonly notifications: NotificationMessage[] = [];
  readonly closed: string[] = [];
  readonly subscribers = new Map<string, SessionChannel>();
  readonly endpoints = new Map<string | undefined, Endpoint>([
    [undefined, { kind: 'aggregate' }],
    ['files', { kind: 'server', server: 'files' }],
    ['clock', { kind: 'server', server: 'clock' }],
  ]);
  /** The exchange of the latest `initialize`. */
  initialized: Exchange | undefined;

  endpoint(name: string | undefined): Endpoint | undefined {
    return this.endpoints.get(name);
  }

  spelling(): Spelling {
    return { separator: ':', maxLength: 128 };
  }

  async warm(): Promise<void> {}

  initializeResult(exchange: Exchange): Buffer {
    this.initialized = exchange;
    return Buffer.from(
      JSON.stringify({
        protocolVersion: exchange.client.version,
        capabilities: { tools: { listChanged: true }, logging: {} },
        serverInfo: { name: 'fake', version: '1' },
      }),
    );
  }

  async handle(exchange: Exchange, request: RequestMessage): Promise<Outcome> {
    this.handled.push(request.method);
    const handler = this.handlers.get(request.method);
    if (!handler) throw new GatewayError('METHOD_NOT_FOUND', `Method not found: ${request.method}`);
    return handler(exchange, request);
  }

  notified(_session: ClientSession, notification: NotificationMessage): void {
    this.notifications.push(notification);
  }

  subscribe(session: ClientSession, channel: SessionChannel): () => void {
    this.subscribers.set(session.id, channel);
    return () => this.subscribers.delete(session.id);
  }

  discoverResult(): Buffer {
    return Buffer.from('{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}}}');
  }

  paramHeaders(): undefined {
    return undefined;
  }

  listen(_exchange: Exchange, wish: ListenWish): Listening {
    return { honoured: Promise.resolve(wish), stop() {} };
  }

  closeSession(session: ClientSession): void {
    this.closed.push(session.id);
  }
}
