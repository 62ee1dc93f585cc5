import {
  type ClientSession,
  type Endpoint,
  type Exchange,
  GatewayError,
  type OutboundNotification,
  type Outcome,
  type Spelling,
} from '#libs/kernel';
import type { NotificationMessage, ParamHeader, RequestMessage } from '#libs/mcp';
import { type Listening, type ListenWish, McpProxy, type Readmission, type SessionChannel } from '#libs/proxy';

export type FakeHandler = (exchange: Exchange, request: RequestMessage) => Outcome | Promise<Outcome>;

export function result(value: unknown): Outcome {
  return { kind: 'result', result: Buffer.from(JSON.stringify(value)) };
}

export interface FakeListener {
  readonly exchange: Exchange;
  readonly wish: ListenWish;
  readonly deliver: (notification: OutboundNotification) => void;
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
  readonly identity = '{"name":"fake","version":"1"}';
  /** Names that are in nobody's view. */
  readonly hidden = new Set<string>();
  /** What policies say of a retry, when there are any. */
  judging: (() => Promise<void>) | undefined;
  /** `x-mcp-header` declarations of every tool. */
  readonly declared = new Map<string, ParamHeader>();
  readonly listeners = new Set<FakeListener>();
  honour: (wish: ListenWish) => Promise<ListenWish> = (wish) => Promise.resolve(wish);
  /** The exchange of the latest `initialize`. */
  initialized: Exchange | undefined;

  endpoint(name: string | undefined): Endpoint | undefined {
    return this.endpoints.get(name);
  }

  spelling(): Spelling {
    return { separator: ':', maxLength: 128 };
  }

  warm(): Promise<void> | undefined {
    return undefined;
  }

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

  target(_exchange: Exchange, request: RequestMessage): string {
    const name = request.params?.get('name')?.string() ?? request.params?.get('uri')?.string() ?? '';
    if (this.hidden.has(name)) throw new GatewayError('UNKNOWN_TOOL', `Unknown tool: ${name}`);
    return `s:${name}`;
  }

  readmit(exchange: Exchange, request: RequestMessage): Readmission {
    const target = this.target(exchange, request);
    return this.judging ? { target, judging: this.judging() } : { target };
  }

  paramHeaders(_exchange: Exchange, tool: string): ReadonlyMap<string, ParamHeader> | undefined {
    return this.hidden.has(tool) ? undefined : this.declared;
  }

  listen(exchange: Exchange, wish: ListenWish, deliver: (notification: OutboundNotification) => void): Listening {
    const listener: FakeListener = { exchange, wish, deliver };
    this.listeners.add(listener);
    return { honoured: this.honour(wish), stop: () => void this.listeners.delete(listener) };
  }

  closeSession(session: ClientSession): void {
    this.closed.push(session.id);
  }
}
