import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

type Json = Record<string, unknown>;

/** A tool call as it came off the wire. The test decides what the upstream does with it, byte for byte. */
export interface RawCall {
  readonly nonce: string;
  /** How many calls with this nonce came so far, this one included. */
  readonly nth: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly socket: Socket;
  /** Notes that the call was run. */
  run(): void;
  /** An HTTP response; an object is sent as JSON. */
  respond(status: number, body?: Json | string, headers?: Readonly<Record<string, string>>): void;
  /** Runs it and answers with its result. */
  serve(): void;
  /** An event stream that stays open, with these messages on it. */
  stream(...messages: Json[]): void;
  /** Another message on that stream. */
  say(message: Json): void;
  result(): Json;
}

interface RawRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Wire = Pick<RawCall, 'headers' | 'respond' | 'socket'>;

interface RawMessage {
  readonly id?: number;
  readonly method: string;
  readonly params?: Json;
}

export interface RawUpstreamOptions {
  readonly era?: 'legacy' | 'modern';
  /** Legacy: whether it keeps sessions. */
  readonly sessions?: boolean;
  readonly tools?: readonly Json[];
}

/** `write` changes something each time, `put` says that twice is as once, `read` that it changes nothing. */
const TOOLS: readonly Json[] = [
  { name: 'write', inputSchema: { type: 'object' } },
  { name: 'put', inputSchema: { type: 'object' }, annotations: { idempotentHint: true } },
  { name: 'read', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
];

/** An MCP server on bare sockets: it can break off anywhere, and keeps a journal of what it ran. */
export class RawUpstream {
  /** Nonces of calls that were run, in order. */
  readonly executed: string[] = [];
  /** Nonces of calls that arrived. */
  readonly arrived: string[] = [];
  readonly cancelled: unknown[] = [];
  readonly methods: string[] = [];
  onCall: (call: RawCall) => void = (call) => call.serve();
  /** Sessions it still knows. */
  readonly sessions = new Set<string>();
  readonly #options: RawUpstreamOptions;
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #port = 0;
  #lastSession = 0;

  private constructor(options: RawUpstreamOptions) {
    this.#options = options;
    this.#server = this.#create();
  }

  static async start(options: RawUpstreamOptions = {}): Promise<RawUpstream> {
    const upstream = new RawUpstream(options);
    await upstream.listen();
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/mcp`;
  }

  /** Listens, after `silence` on the same port as before. */
  async listen(): Promise<void> {
    this.#server = this.#create();
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Refuses connections from now on, and cuts those there are. */
  async silence(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  close(): Promise<void> {
    return this.silence();
  }

  #create(): Server {
    return createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      let buffer = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        buffer = Buffer.concat([buffer, chunk]);
        for (let read = readRequest(buffer); read; read = readRequest(buffer)) {
          buffer = buffer.subarray(read.length);
          this.#take(read.request, socket);
        }
      });
    });
  }

  #take({ body, headers, method }: RawRequest, socket: Socket): void {
    const respond: RawCall['respond'] = (status, answer = '', more = {}) => respondOn(socket, status, answer, more);
    if (method !== 'POST') {
      respond(method === 'DELETE' ? 200 : 405);
      return;
    }
    const message = JSON.parse(body) as RawMessage;
    this.methods.push(message.method);
    if (message.method === 'notifications/cancelled') this.cancelled.push(message.params?.['requestId']);
    const session = headers['mcp-session-id'];
    if (message.id === undefined) respond(202);
    else if (session !== undefined && !this.sessions.has(session)) respond(404);
    else this.#answer(message.id, message, { headers, respond, socket });
  }

  #answer(id: number, { method, params = {} }: RawMessage, wire: Wire): void {
    const answer = (result: Json, more = {}) => wire.respond(200, { jsonrpc: '2.0', id, result }, more);
    switch (method) {
      case 'initialize':
        answer(WELCOME, this.#options.sessions ? { 'mcp-session-id': this.#open() } : {});
        break;
      case 'server/discover':
        if (this.#options.era === 'modern') answer(DISCOVERED);
        else wire.respond(200, { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } });
        break;
      case 'tools/list':
        answer({ ...COMPLETE, tools: this.#options.tools ?? TOOLS });
        break;
      case 'tools/call':
        this.onCall(this.#call(id, params, wire));
        break;
      default:
        answer(COMPLETE);
    }
  }

  #call(id: number, params: Json, wire: Wire): RawCall {
    const nonce = String((params['arguments'] as Json | undefined)?.['nonce']);
    this.arrived.push(nonce);
    const run = () => void this.executed.push(nonce);
    const result = () => ({
      jsonrpc: '2.0',
      id,
      result: { ...COMPLETE, content: [{ type: 'text', text: JSON.stringify(nonce) }] },
    });
    return {
      ...wire,
      nonce,
      nth: this.arrived.filter((other) => other === nonce).length,
      run,
      result,
      serve: () => {
        run();
        wire.respond(200, result());
      },
      stream: (...messages) => {
        const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n';
        wire.socket.write(head + messages.map(eventOf).join(''));
      },
      say: (message) => void wire.socket.write(eventOf(message)),
    };
  }

  #open(): string {
    const session = `session-${++this.#lastSession}`;
    this.sessions.add(session);
    return session;
  }
}

function eventOf(message: Json): string {
  return `data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`;
}

const COMPLETE = { resultType: 'complete' };
const WELCOME = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'raw', version: '1' },
};
const DISCOVERED = {
  ...COMPLETE,
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: {} },
  ttlMs: 0,
  cacheScope: 'private',
};

/** The first whole request in the bytes, and how many it takes. */
function readRequest(bytes: Buffer): { readonly request: RawRequest; readonly length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((text) => {
      const colon = text.indexOf(':');
      return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()];
    }),
  );
  const length = end + 4 + Number(headers['content-length'] ?? 0);
  if (bytes.length < length) return undefined;
  const request = { method: line.split(' ')[0] ?? '', headers, body: bytes.toString('utf8', end + 4, length) };
  return { request, length };
}

function respondOn(socket: Socket, status: number, body: Json | string, more: Readonly<Record<string, string>>): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)), ...more };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n${text}`);
}
