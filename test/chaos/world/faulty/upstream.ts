import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { answerTo } from '../../ledger/answer.js';
import type { Upstream, UpstreamPlan } from '../upstreams.js';
import { type Behaviour, honest, type Message } from './exchange.js';

const TOOLS = [
  { name: 'work', inputSchema: { type: 'object' } },
  { name: 'look', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true, idempotentHint: true } },
];

/** An HTTP upstream of the legacy era, without sessions, whose behaviour is chosen while it runs. */
export class FaultyUpstream implements Upstream {
  readonly name: string;
  readonly entry: Upstream['entry'];
  behaviour: Behaviour = honest;
  readonly #ledger: string;
  readonly #port: number;
  readonly #server = createServer((request, response) => this.#take(request, response));

  constructor({ name, connection, more }: UpstreamPlan, ledger: string, port: number) {
    this.name = name;
    const url = `http://127.0.0.1:${port}/mcp`;
    this.entry = { name, type: 'streamable-http', protocol: 'legacy', connection: { url, ...connection }, ...more };
    this.#ledger = ledger;
    this.#port = port;
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(this.#port, '127.0.0.1', resolve);
    });
  }

  signal(): never {
    throw new Error(`${this.name} lives in this process: choose its behaviour instead`);
  }

  /** Every connection is gone, and so is the port. */
  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  takeAway(): Promise<void> {
    return this.kill();
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.kill();
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    response.on('error', () => {});
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method !== 'POST') return response.writeHead(405).end();
      const message = JSON.parse(Buffer.concat(chunks).toString()) as Message;
      if (message.id === undefined) return response.writeHead(202).end();
      const { id } = message;
      const right = JSON.stringify({ jsonrpc: '2.0', id, ...this.#respond(message) });
      return this.behaviour({ message, request, response, socket: request.socket, right });
    });
  }

  #respond({ method, params }: Message): object {
    switch (method) {
      case 'initialize': {
        const serverInfo = { name: this.name, version: '1.0.0' };
        return { result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo } };
      }
      case 'ping':
        return { result: {} };
      case 'tools/list':
        return { result: { tools: TOOLS } };
      case 'tools/call': {
        const { nonce, size } = params?.arguments ?? {};
        appendFileSync(this.#ledger, `${nonce}\n`);
        return { result: { content: [{ type: 'text', text: answerTo(String(nonce), Number(size)) }] } };
      }
      default:
        return { error: { code: -32601, message: `No method ${method}` } };
    }
  }
}
