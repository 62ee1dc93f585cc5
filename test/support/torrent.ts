import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const MIB = 1024 * 1024;
/** Requests that announce more than this are not read until the test says so. */
const LARGE = MIB;

interface Request {
  readonly id?: number;
  readonly method: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: { size?: number };
    _meta?: { progressToken?: number };
  };
}

/**
 * A server without sessions (2025-11-25) that says as much as its peer takes, and hears no more than it is told to: tools
 * `flood` (progress without end, then an answer), `big` (one JSON answer), `hold` (answers when it is released), `echo`.
 */
export class Torrent {
  /** Bytes of floods that the sockets took. */
  written = 0;
  /** Floods under way that wait for their peer to read. */
  stalled = 0;
  /** Requests whose answer was broken off. */
  cancelled = 0;
  readonly unread: IncomingMessage[] = [];
  /** Calls of `hold` so far, and those that wait for `release`. */
  holds = 0;
  #held: (() => void)[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Torrent> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const torrent = new Torrent(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
    server.on('request', (request, response) => void torrent.#take(request, response).catch(() => response.destroy()));
    return torrent;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Answers the calls that are held. */
  release(): void {
    for (const answer of this.#held.splice(0)) answer();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    if (Number(request.headers['content-length']) > LARGE) {
      this.unread.push(request);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as Request;
    if (id === undefined) return void response.writeHead(202).end();
    const size = params?.arguments?.size ?? 0;
    if (method === 'initialize') this.#json(response, id, INITIALIZED);
    else if (method === 'tools/list') this.#json(response, id, TOOLS);
    else if (params?.name === 'flood') await this.#flood(response, id, size, params._meta?.progressToken);
    else if (params?.name === 'hold') {
      this.holds++;
      this.#held.push(() => this.#json(response, id, { content: [] }));
    } else this.#json(response, id, { content: [{ type: 'text', text: 'x'.repeat(size) }] });
  }

  #json(response: ServerResponse, id: number, result: object): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  }

  async #flood(response: ServerResponse, id: number, size: number, progressToken: number | undefined): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let [gone, wake] = [false, () => {}];
    response
      .on('drain', () => wake())
      .on('close', () => {
        gone = true;
        wake();
      });
    const message = 'x'.repeat(8_000);
    let progress = 0;
    for (let sent = 0; sent < size && !gone; sent += message.length) {
      const params = { progressToken, progress: ++progress, message };
      const event = `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })}\n\n`;
      this.written += event.length;
      if (response.write(event)) continue;
      this.stalled++;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      this.stalled--;
    }
    if (gone) this.cancelled++;
    else response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [], said: progress } })}\n\n`);
  }
}

const INITIALIZED = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'torrent', version: '1' },
};
const TOOLS = { tools: ['flood', 'big', 'hold', 'echo'].map((name) => ({ name, inputSchema: { type: 'object' } })) };

/** The same floods from a child process, whose one stream is everybody's. */
export const TORRENT_CHILD = `
  const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
  const message = 'x'.repeat(8_000);
  let pending = 0;
  require('node:readline').createInterface(process.stdin).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined) return;
    if (method === 'initialize') return say({ id, result: ${JSON.stringify(INITIALIZED)} });
    if (method === 'tools/list') return say({ id, result: ${JSON.stringify(TOOLS)} });
    if (params?.name !== 'flood') return say({ id, result: { content: [] } });
    const { progressToken } = params._meta;
    let progress = 0;
    const more = () => {
      while (progress * message.length < params.arguments.size) {
        progress++;
        const full = !say({ method: 'notifications/progress', params: { progressToken, progress, message } });
        if (full) return process.stdout.once('drain', () => setImmediate(more));
      }
      say({ id, result: { content: [], said: progress } });
    };
    more();
  });
`;
