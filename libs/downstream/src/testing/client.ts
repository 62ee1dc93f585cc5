import { type Answer, begin, type Call, EventReader, send } from './http.js';

export interface ClientOptions {
  readonly path?: string;
  readonly version?: string;
  readonly capabilities?: object;
  readonly headers?: Record<string, string>;
}

let nextId = 1;

/** The least of a legacy client: one session, and requests on it. */
export class TestClient {
  private constructor(
    readonly base: string,
    readonly path: string,
    readonly session: string,
    readonly headers: Record<string, string>,
  ) {}

  static async open(base: string, options: ClientOptions = {}): Promise<TestClient> {
    const path = options.path ?? '/mcp';
    const headers = options.headers ?? {};
    const answer = await send(base, { path, headers, body: initialize(options) });
    if (answer.status !== 200) throw new Error(`initialize: ${answer.status} ${answer.text}`);
    return new TestClient(base, path, String(answer.headers['mcp-session-id']), headers);
  }

  /** The same session, seen from somewhere else. */
  at(base: string, changes: { path?: string; headers?: Record<string, string> } = {}): TestClient {
    return new TestClient(base, changes.path ?? this.path, this.session, changes.headers ?? this.headers);
  }

  send(call: Call): Promise<Answer> {
    return send(this.base, this.#call(call));
  }

  request(method: string, params?: object, id: string | number = nextId++): Promise<Answer> {
    return this.send({ body: { jsonrpc: '2.0', id, method, params } });
  }

  notify(method: string, params?: object): Promise<Answer> {
    return this.send({ body: { jsonrpc: '2.0', method, params } });
  }

  respond(id: string, result: object): Promise<Answer> {
    return this.send({ body: { jsonrpc: '2.0', id, result } });
  }

  /** A request whose answer is read as a stream. */
  async stream(method: string, params?: object, id: string | number = nextId++): Promise<EventReader> {
    return new EventReader(await begin(this.base, this.#call({ body: { jsonrpc: '2.0', id, method, params } })));
  }

  /** The standalone stream. */
  async listen(): Promise<EventReader> {
    const response = await begin(this.base, this.#call({ method: 'GET', headers: { accept: 'text/event-stream' } }));
    if (response.statusCode !== 200) throw new Error(`GET: ${response.statusCode}`);
    return new EventReader(response);
  }

  #call(call: Call): Call {
    return { ...call, path: this.path, headers: { 'mcp-session-id': this.session, ...this.headers, ...call.headers } };
  }
}

export function initialize(options: ClientOptions = {}): object {
  return {
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: {
      protocolVersion: options.version ?? '2025-11-25',
      capabilities: options.capabilities ?? {},
      clientInfo: { name: 'test', version: '1' },
    },
  };
}
