import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type MetricsConfig, MetricsConfigRef } from '#libs/config';
import { GatewayError, messageOf } from '#libs/kernel';
import { GatewayLog } from '#libs/plugin';
import { answerScrape } from './answer.js';
import { GatewayMetrics } from './gateway-metrics.js';

/** Serves the metrics on an address of their own while `metrics.listen` names one; follows changes of it. */
@Injectable()
export class MetricsListener implements OnApplicationBootstrap, OnApplicationShutdown {
  #server: Server | undefined;
  #address: string | null = null;
  #stopListening: () => void = () => {};

  constructor(
    private readonly metrics: GatewayMetrics,
    private readonly config: MetricsConfigRef,
    private readonly log: GatewayLog,
  ) {}

  /** @throws GatewayError CONFIG_INVALID when the address cannot be listened on at start */
  async onApplicationBootstrap(): Promise<void> {
    await this.#follow(this.config.current);
    this.#stopListening = this.config.onChange((next) => {
      this.#follow(next).catch((thrown) => this.log.error({ err: thrown }, messageOf(thrown)));
    });
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stopListening();
    await this.#close();
  }

  /** The URL of the metrics, when they have an address of their own. */
  get url(): string | undefined {
    const address = this.#server?.address();
    if (!address || typeof address === 'string') return undefined;
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `http://${host}:${address.port}${this.config.current.path}`;
  }

  async #follow(config: MetricsConfig): Promise<void> {
    const address = config.enabled ? config.listen : null;
    if (address === this.#address) return;
    await this.#close();
    if (address === null) return;
    const server = createServer((request, response) => this.#answer(request, response));
    server.headersTimeout = server.requestTimeout = 10_000;
    await listen(server, address);
    this.#server = server;
    this.#address = address;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const found = request.url?.split('?', 1)[0] === this.config.current.path && request.method === 'GET';
    if (!found) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n');
      return;
    }
    answerScrape(this.metrics, this.config.current, request.headers.authorization).then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      (thrown) => {
        this.log.error({ err: thrown }, 'the metrics could not be collected');
        response.writeHead(500, { 'content-type': 'text/plain' }).end('The metrics could not be collected\n');
      },
    );
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#address = null;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}

/** `host:port`, `[::1]:port`, `:port` or a bare port. Without a host: loopback, as everywhere else. */
function listen(server: Server, address: string): Promise<void> {
  const match = /^(?:(?:\[([^\]]+)\]|([^:]*)):)?(\d{1,5})$/.exec(address);
  if (!match) {
    throw new GatewayError('CONFIG_INVALID', `metrics.listen: '${address}' is not an address; write host:port`);
  }
  const host = match[1] ?? (match[2] || '127.0.0.1');
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new GatewayError(
          'CONFIG_INVALID',
          `metrics.listen: cannot listen on ${address} (${messageOf(cause)}); name an address of this machine with a free port`,
          { cause },
        ),
      ),
    );
    server.listen(Number(match[3]), host, resolve);
  });
}
