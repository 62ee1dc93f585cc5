import {
  type Connection,
  type ConnectionListener,
  type ConnectionStatus,
  type ConnectOptions,
  type OutboundRequest,
  type ReplySink,
  UpstreamTransport,
} from '#libs/plugin';

type Json = Record<string, unknown>;

/** A request as the upstream sees it, and its ways to answer. Texts are JSON and travel byte for byte. */
export interface Seen {
  readonly id: number;
  readonly method: string;
  readonly params: Json;
  /** The whole message as it arrived. */
  readonly text: string;
  result(json: string): void;
  error(json: string): void;
  /** A notification or a request of the upstream's own, on this request's stream. */
  say(json: string): void;
}

export type Script = Readonly<Record<string, (seen: Seen) => void>>;

/** The plainest answer to each request that is about one thing. */
export const RESULTS: Script = {
  'tools/call': ({ result }) => result('{"content":[]}'),
  'prompts/get': ({ result }) => result('{"messages":[]}'),
  'resources/read': ({ result }) => result('{"contents":[]}'),
  'completion/complete': ({ result }) => result('{"completion":{"values":["a"]}}'),
};

const WELCOME = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {}, prompts: {}, resources: { subscribe: true }, logging: {}, completions: {} },
  serverInfo: { name: 'scripted', version: '1' },
};

const ANSWERS: Readonly<Record<string, string>> = {
  ping: '{}',
  'tools/list': '{"tools":[{"name":"work","inputSchema":{"type":"object"}}]}',
  'prompts/list': '{"prompts":[{"name":"greet"}]}',
  'resources/list': '{"resources":[{"uri":"file:///a","name":"a"},{"uri":"https://x.example/r","name":"r"}]}',
  'resources/templates/list': '{"resourceTemplates":[{"uriTemplate":"file:///t/{x}","name":"t"}]}',
  'logging/setLevel': '{}',
  'resources/subscribe': '{}',
  'resources/unsubscribe': '{}',
};

/** An MCP server without a wire: says exactly what a test wrote, and keeps what it was sent. */
export class ScriptedUpstream extends UpstreamTransport {
  /** Members that replace those of the answer to `initialize`. */
  welcome: Json = {};
  /** What a test overrides; everything else has a plain answer. */
  script: Script;
  /** Requests so far. */
  readonly seen: Seen[] = [];
  /** Notifications and answers so far. */
  readonly posted: Json[] = [];
  /** Connecting waits for this. */
  opens: Promise<unknown> = Promise.resolve();
  readonly #listeners = new Set<ConnectionListener>();

  constructor(script: Script = {}) {
    super();
    this.script = script;
  }

  async connect(_target: unknown, { listener }: ConnectOptions): Promise<Connection> {
    await this.opens;
    this.#listeners.add(listener);
    return new ScriptedConnection(this, () => this.#listeners.delete(listener));
  }

  /** Sends what belongs to no request to every session. */
  announce(json: string): void {
    for (const listener of this.#listeners) listener.onMessage(Buffer.from(json));
  }

  /** Params of the latest request of a method, as text. */
  last(method: string): string {
    const { text } = this.seen.findLast((seen) => seen.method === method) ?? { text: '{}' };
    return text.slice(text.indexOf('"params":') + '"params":'.length, -1);
  }

  receive(seen: Seen): void {
    this.seen.push(seen);
    const own = this.script[seen.method];
    const plain = ANSWERS[seen.method];
    if (own) own(seen);
    else if (seen.method === 'initialize') seen.result(JSON.stringify({ ...WELCOME, ...this.welcome }));
    else if (plain !== undefined) seen.result(plain);
    else seen.error('{"code":-32601,"message":"Method not found"}');
  }
}

class ScriptedConnection implements Connection {
  readonly attribution = 'request';
  readonly sessionId = undefined;

  constructor(
    private readonly upstream: ScriptedUpstream,
    private readonly gone: () => void,
  ) {}

  send({ id, method, body }: OutboundRequest, sink: ReplySink): { abandon(): void } {
    const text = body.toString();
    const say = (json: string) => sink.onMessage(Buffer.from(json));
    const seen: Seen = {
      id,
      method,
      text,
      params: (JSON.parse(text) as { params?: Json }).params ?? {},
      say,
      result: (json) => say(`{"jsonrpc":"2.0","id":${id},"result":${json}}`),
      error: (json) => say(`{"jsonrpc":"2.0","id":${id},"error":${json}}`),
    };
    queueMicrotask(() => this.upstream.receive(seen));
    return { abandon() {} };
  }

  async post(message: Buffer): Promise<void> {
    this.upstream.posted.push(JSON.parse(message.toString()) as Json);
  }

  setProtocolVersion(): void {}

  listen(): void {}

  status(): ConnectionStatus {
    return {};
  }

  async close(): Promise<void> {
    this.gone();
  }
}
