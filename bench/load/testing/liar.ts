import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collect } from '../../targets/collect.mjs';
import { DEFAULT_SHAPE } from '../../targets/shape.ts';
import { directDoor } from '../../targets/target.ts';
import type { Door } from '../door.ts';

interface Call {
  readonly id: number;
  readonly params: { readonly arguments: { readonly text: string } };
}

/** What a server answers; `undefined` breaks the connection off. */
export type Lie = (call: Call, count: number) => { status?: number; type?: string; body: string } | undefined;

export function honest({ id, params }: Call): { body: string } {
  const result = { content: [{ type: 'text', text: params.arguments.text }] };
  return { body: JSON.stringify({ jsonrpc: '2.0', id, result }) };
}

/** A server for specs of the checks: what it gets wrong must be found. */
export class Liar {
  readonly door: Door;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.door = directDoor((server.address() as AddressInfo).port, DEFAULT_SHAPE);
  }

  /** @param maxRequestsPerSocket after so many the server closes a connection, and says so with the last answer */
  static async start(lie: Lie, maxRequestsPerSocket = 0): Promise<Liar> {
    let count = 0;
    const server = createServer((request, response) => {
      collect(request, (body) => {
        const answer = lie(JSON.parse(body.toString()) as Call, count++);
        if (!answer) return void request.socket.destroy();
        response.writeHead(answer.status ?? 200, { 'content-type': answer.type ?? 'application/json' });
        return void response.end(answer.body);
      });
    });
    server.maxRequestsPerSocket = maxRequestsPerSocket;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Liar(server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
