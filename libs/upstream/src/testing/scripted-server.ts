import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request a scripted server got. */
export interface Got {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Id of the JSON-RPC request in it. */
  readonly id: number | undefined;
}

/** For specs: an HTTP server whose every answer the test writes by hand. */
export class ScriptedServer {
  readonly got: Got[] = [];
  readonly sockets = new Set<Socket>();
  /** Connections so far. */
  accepted = 0;
  readonly #server: Server;

  private constructor(answer: (got: Got, response: ServerResponse) => void) {
    this.#server = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part);
      const body = Buffer.concat(parts).toString();
      const got: Got = {
        method: request.method as string,
        path: request.url as string,
        headers: request.headers,
        body,
        id: idOf(body),
      };
      this.got.push(got);
      answer(got, response);
    });
    this.#server.on('connection', (socket) => {
      this.accepted += 1;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  static async start(answer: (got: Got, response: ServerResponse) => void): Promise<ScriptedServer> {
    const server = new ScriptedServer(answer);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function idOf(body: string): number | undefined {
  try {
    return (JSON.parse(body) as { id?: number }).id;
  } catch {
    return undefined;
  }
}

/** A JSON-RPC result as text. */
export function result(id: number | undefined, value: unknown = {}): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result: value });
}

export function sendJson(
  response: ServerResponse,
  body: string,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}

export function openStream(response: ServerResponse, headers: Record<string, string> = {}): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers }).flushHeaders();
  return response;
}
