import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CAPABILITIES, OFFER, type Offer, plainAnswer, QUESTION, text } from './recording/items.js';
import { type Arrival, Journal, type Rpc } from './recording/journal.js';

export type { Arrival } from './recording/journal.js';

const MODERN = '2026-07-28';
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
const SUBSCRIPTION_KEY = 'io.modelcontextprotocol/subscriptionId';
const SERVER_INFO = { name: 'recorder', version: '1.0.0' };
/** What a modern result has besides; a list that says it is everybody's, which no client of a gateway must be told. */
const COMPLETE = { resultType: 'complete', ttlMs: 0, cacheScope: 'public' };

export interface RecordingOptions extends Partial<Offer> {
  /** Default: both eras. */
  readonly era?: 'legacy' | 'modern' | 'dual';
  /** Hands out legacy session ids. Default true. */
  readonly sessions?: boolean;
  readonly port?: number;
  readonly instructions?: string;
  /** How long, and by whom, modern answers may be kept. Default: not at all, but by everybody. */
  readonly cache?: { readonly ttlMs: number; readonly cacheScope: 'public' | 'private' };
  /** Answers instead of the server when it returns true: to refuse, to hang, to lie. */
  readonly intercept?: (arrival: Arrival, response: ServerResponse) => boolean;
}

interface Stream {
  readonly session: string;
  /** The listen request's id; undefined for a legacy GET stream. */
  readonly listen: string | number | undefined;
  readonly uris: ReadonlySet<string>;
  readonly response: ServerResponse;
}

/**
 * An MCP server over HTTP that remembers every request it got, so that a test can tell what a gateway let through, and
 * above all that it let nothing through.
 */
export class RecordingUpstream {
  readonly journal = new Journal();
  readonly url: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #options: RecordingOptions;
  #offer: Offer;
  readonly #subscribed = new Map<string, Set<string>>();
  readonly #streams = new Set<Stream>();
  readonly #asked = new Map<string, (answer: Rpc) => void>();
  readonly #waiting = new Map<string, () => void>();

  static async start(options: RecordingOptions = {}): Promise<RecordingUpstream> {
    const server = createServer();
    server.listen(options.port ?? 0, '127.0.0.1');
    await once(server, 'listening');
    return new RecordingUpstream(server, options);
  }

  private constructor(server: ReturnType<typeof createServer>, options: RecordingOptions) {
    this.#server = server;
    this.#options = options;
    this.#offer = { ...OFFER, ...options };
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  /** Lets a call of `wait` with this `label` go on. */
  release(label: string): void {
    this.#waiting.get(label)?.();
    this.#waiting.delete(label);
  }

  /** Whether a call of `wait` with this `label` is there. */
  waits(label: string): boolean {
    return this.#waiting.has(label);
  }

  /** Has one tool more from now on, and says so. */
  grow(tool: string): void {
    this.#offer = { ...this.#offer, tools: [...this.#offer.tools, tool] };
    this.changed('tools');
  }

  /** Tells everybody who listens that a list changed. */
  changed(kind: 'tools' | 'prompts' | 'resources'): void {
    for (const stream of this.#streams) this.#tell(stream, `notifications/${kind}/list_changed`, {});
  }

  /** Tells those who subscribed that a resource changed. */
  updated(uri: string): void {
    for (const stream of this.#streams) {
      if (stream.uris.has(uri)) this.#tell(stream, 'notifications/resources/updated', { uri });
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    // A request that is cut off is not one that arrived.
    request.on('error', () => response.destroy());
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(request, 'end').catch(() => undefined);
    const arrival = this.journal.record(request, Buffer.concat(chunks).toString('utf8'));
    if (this.#options.intercept?.(arrival, response)) return;
    const session = String(request.headers['mcp-session-id'] ?? '');
    if (arrival.verb === 'GET') return this.#stream(session, response);
    if (arrival.verb === 'DELETE') return void response.writeHead(204).end();
    await this.#answer(arrival.rpc, session, response);
  }

  async #answer(rpc: Rpc, session: string, response: ServerResponse): Promise<void> {
    const { id, method, params = {} } = rpc;
    if (id === undefined || method === undefined) {
      if (id !== undefined) this.#asked.get(String(id))?.(rpc);
      return void response.writeHead(202).end();
    }
    const meta = params['_meta'] as Record<string, unknown> | undefined;
    const modern = meta?.[VERSION_KEY] !== undefined;
    const { era = 'dual' } = this.#options;
    if (modern ? era === 'legacy' : era === 'modern') return fail(response, id, -32601, 'Of another era', 400);
    if (modern) return this.#modern(id, method, params, response);
    if (method === 'initialize') return this.#initialize(id, params, response);
    if (method === 'resources/subscribe') this.#urisOf(session).add(String(params['uri']));
    if (method === 'resources/unsubscribe') this.#urisOf(session).delete(String(params['uri']));
    if (method === 'tools/call' && params['name'] === 'ask') return this.#askLegacy(id, response);
    if (method === 'tools/call' && params['name'] === 'wait') return this.#wait(id, params, response);
    const result = plainAnswer(this.#offer, method, params);
    if (!result) return fail(response, id, -32601, `No method ${method}`);
    json(response, { jsonrpc: '2.0', id, result });
  }

  #initialize(id: string | number, params: Rpc['params'] & object, response: ServerResponse): void {
    const { sessions = true, instructions } = this.#options;
    const result = {
      protocolVersion: params['protocolVersion'] ?? '2025-11-25',
      capabilities: CAPABILITIES,
      serverInfo: SERVER_INFO,
      ...(instructions !== undefined && { instructions }),
    };
    const headers: Record<string, string> = sessions ? { 'mcp-session-id': randomUUID() } : {};
    json(response, { jsonrpc: '2.0', id, result }, headers);
  }

  #modern(id: string | number, method: string, params: Rpc['params'] & object, response: ServerResponse): void {
    const tool = method === 'tools/call' ? params['name'] : undefined;
    if (method === 'subscriptions/listen') this.#listen(id, params, response);
    else if (tool === 'wait') this.#wait(id, params, response);
    else {
      const result = this.#modernResult(method, tool, params);
      if (result) json(response, { jsonrpc: '2.0', id, result: { ...COMPLETE, ...this.#options.cache, ...result } });
      else fail(response, id, -32601, `No method ${method}`, 404);
    }
  }

  #modernResult(method: string, tool: unknown, params: Rpc['params'] & object): object | undefined {
    if (method === 'server/discover') {
      const { instructions } = this.#options;
      return {
        supportedVersions: [MODERN],
        capabilities: CAPABILITIES,
        ...(instructions !== undefined && { instructions }),
        _meta: { 'io.modelcontextprotocol/serverInfo': SERVER_INFO },
      };
    }
    if (tool !== 'ask') return plainAnswer(this.#offer, method, params);
    const given = (params['inputResponses'] as Record<string, unknown> | undefined)?.['what'];
    if (given !== undefined) return text(JSON.stringify(given));
    const question = { inputRequests: { what: QUESTION }, requestState: randomUUID() };
    return { ...question, resultType: 'input_required', ttlMs: undefined, cacheScope: undefined };
  }

  #askLegacy(id: string | number, response: ServerResponse): void {
    const question = `question-${randomUUID()}`;
    const send = events(response);
    this.#asked.set(question, ({ result }) => {
      this.#asked.delete(question);
      send({ jsonrpc: '2.0', id, result: text(JSON.stringify(result ?? null)) });
      response.end();
    });
    send({ jsonrpc: '2.0', id: question, ...QUESTION });
  }

  /** Reports one step of progress that carries the label, then waits to be released. */
  #wait(id: string | number, params: Rpc['params'] & object, response: ServerResponse): void {
    const label = String((params['arguments'] as Record<string, unknown> | undefined)?.['label'] ?? '');
    const progressToken = (params['_meta'] as Record<string, unknown> | undefined)?.['progressToken'];
    const send = events(response);
    if (progressToken !== undefined) {
      const step = { progressToken, progress: 1, message: label };
      send({ jsonrpc: '2.0', method: 'notifications/progress', params: step });
    }
    response.on('close', () => this.#waiting.delete(label));
    this.#waiting.set(label, () => {
      send({ jsonrpc: '2.0', id, result: { ...text(label), resultType: 'complete' } });
      response.end();
    });
  }

  #stream(session: string, response: ServerResponse): void {
    events(response);
    this.#keep({ session, listen: undefined, uris: this.#urisOf(session), response });
  }

  #listen(id: string | number, params: Rpc['params'] & object, response: ServerResponse): void {
    const wish = (params['notifications'] ?? {}) as { resourceSubscriptions?: string[] };
    const stream = { session: '', listen: id, uris: new Set(wish.resourceSubscriptions), response };
    events(response);
    this.#keep(stream);
    this.#tell(stream, 'notifications/subscriptions/acknowledged', { notifications: wish });
  }

  #keep(stream: Stream): void {
    this.#streams.add(stream);
    stream.response.on('close', () => this.#streams.delete(stream));
  }

  #tell({ listen, response }: Stream, method: string, params: object): void {
    const _meta = listen === undefined ? undefined : { [SUBSCRIPTION_KEY]: listen };
    events(response)({ jsonrpc: '2.0', method, params: { ...params, ...(_meta && { _meta }) } });
  }

  #urisOf(session: string): Set<string> {
    const uris = this.#subscribed.get(session) ?? new Set();
    this.#subscribed.set(session, uris);
    return uris;
  }
}

function json(response: ServerResponse, message: object, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(message));
}

function fail(response: ServerResponse, id: string | number, code: number, message: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } }));
}

/** Begins an event stream, if it has not begun, and returns what sends on it. */
function events(response: ServerResponse): (message: object) => void {
  if (!response.headersSent) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.flushHeaders();
  }
  return (message) => void response.write(`data: ${JSON.stringify(message)}\n\n`);
}
