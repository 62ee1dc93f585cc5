import { globalAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body as it arrived. */
  readonly text: string;
  /** JSON texts of the messages in it: the body itself, or the data of each SSE event. */
  readonly messages: readonly string[];
}

export interface RawRequest {
  readonly method?: 'POST' | 'GET' | 'DELETE' | 'PUT';
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** Keeps the connection, so that an answer which comes before the whole body was sent is not lost with it. */
  readonly keep?: boolean;
}

/** One HTTP exchange, usually on a connection of its own, byte for byte, without a client library in between. */
export async function http(url: string, options: RawRequest = {}): Promise<RawAnswer> {
  const { method = 'POST', headers = {}, body, keep = false } = options;
  const agent = keep ? globalAgent : false;
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, agent, headers: { ...DEFAULTS, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const sse = response.headers['content-type']?.startsWith('text/event-stream') ?? false;
        const messages = sse ? sseData(text) : text === '' ? [] : [text];
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, messages });
      });
    });
    request.on('error', reject);
    request.setTimeout(60_000, () => request.destroy(new Error(`${method} ${url}: no answer in 60 s`)));
    request.end(body);
  });
}

const DEFAULTS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** The data of each complete SSE event that has any. */
export function sseData(text: string): string[] {
  return text
    .split(/\r?\n\r?\n/)
    .map((event) =>
      event
        .split(/\r?\n/)
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(line.startsWith('data: ') ? 6 : 5))
        .join('\n'),
    )
    .filter((data) => data.trim() !== '');
}

export interface InitializeParams {
  readonly version?: string;
  readonly name?: string;
  readonly capabilities?: object;
  /** Sent with every request of the session, above all `authorization`. */
  readonly headers?: Record<string, string>;
}

/** A legacy session spoken by hand. */
export class RawSession {
  #nextId = 100;

  private constructor(
    readonly url: string,
    readonly id: string,
    readonly version: string,
    readonly initialized: Record<string, unknown>,
    readonly own: Record<string, string> = {},
  ) {}

  static async open(url: string, params: InitializeParams = {}): Promise<RawSession> {
    const { headers = {} } = params;
    const answer = await http(url, { headers, body: initializeBody(params) });
    if (answer.status !== 200) throw new Error(`initialize: ${answer.status} ${answer.text}`);
    const { result } = JSON.parse(answer.messages.at(-1) ?? '{}') as { result: Record<string, unknown> };
    const session = new RawSession(
      url,
      String(answer.headers['mcp-session-id'] ?? ''),
      String(result['protocolVersion']),
      result,
      headers,
    );
    await session.notify('notifications/initialized');
    return session;
  }

  /** The same session, spoken to at another address or with other headers. */
  at(url: string, headers: Record<string, string> = this.own): RawSession {
    return new RawSession(url, this.id, this.version, this.initialized, headers);
  }

  get headers(): Record<string, string> {
    return { 'mcp-session-id': this.id, 'mcp-protocol-version': this.version, ...this.own };
  }

  async post(body: string | Buffer, headers: Record<string, string> = {}): Promise<RawAnswer> {
    return http(this.url, { headers: { ...this.headers, ...headers }, body });
  }

  async notify(method: string, params?: object): Promise<RawAnswer> {
    return this.post(JSON.stringify({ jsonrpc: '2.0', method, ...(params && { params }) }));
  }

  /** Sends a request and returns the raw JSON of its response, and of everything else on its stream. */
  async request(method: string, params?: object | string): Promise<RawReply> {
    const id = this.#nextId++;
    const rest =
      params === undefined ? '' : `,"params":${typeof params === 'string' ? params : JSON.stringify(params)}`;
    const answer = await this.post(`{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}${rest}}`);
    const response = answer.messages.find((message) => {
      const parsed = JSON.parse(message) as { id?: unknown; method?: unknown };
      return parsed.id === id && parsed.method === undefined;
    });
    if (response === undefined) throw new Error(`${method}: no response in ${answer.status} ${answer.text}`);
    const parsed = JSON.parse(response) as { result?: Record<string, unknown>; error?: RpcError };
    return { ...answer, response, ...parsed };
  }

  async close(): Promise<void> {
    await http(this.url, { method: 'DELETE', headers: this.headers });
  }
}

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: Record<string, unknown>;
}

export interface RawReply extends RawAnswer {
  readonly response: string;
  readonly result?: Record<string, unknown>;
  readonly error?: RpcError;
}

export function initializeBody({
  version = '2025-11-25',
  name = 'raw-client',
  capabilities = {},
}: InitializeParams = {}) {
  const params = { protocolVersion: version, capabilities, clientInfo: { name, version: '1.0.0' } };
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
}
