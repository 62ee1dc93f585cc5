import { once } from 'node:events';
import { get } from 'node:http';
import { type AddressInfo, createServer, connect as open, type Server, type Socket } from 'node:net';

/** Milliseconds between two looks at one process. */
const LOOK = 50;

interface Backend {
  readonly port: number;
  ready: boolean;
  timer?: NodeJS.Timeout;
}

/**
 * Hands new TCP connections to processes in turn, as the simplest balancers do: one that is not `/ready` gets no new
 * connections and keeps those it has. Knows nothing of what travels through it.
 */
export class Balancer {
  readonly url: string;
  readonly #backends: readonly Backend[];
  readonly #open = new Set<Socket>();
  /** Connections that no process could take. */
  dropped = 0;
  #next = 0;
  #closed = false;

  static async start(ports: readonly number[]): Promise<Balancer> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Balancer(server, ports);
  }

  private constructor(
    private readonly server: Server,
    ports: readonly number[],
  ) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#backends = ports.map((port) => ({ port, ready: false }));
    server.on('connection', (client) => {
      // It may go away before there is anybody to tell.
      client.on('error', () => {});
      this.#connect(client, this.#backends.length);
    });
    for (const backend of this.#backends) this.#look(backend);
  }

  isReady(port: number): boolean {
    return this.#backends.some((backend) => backend.port === port && backend.ready);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { timer } of this.#backends) clearTimeout(timer);
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #connect(client: Socket, tries: number): void {
    const ready = this.#backends.filter((backend) => backend.ready);
    const backend = ready[this.#next++ % ready.length];
    if (!backend || tries === 0) {
      this.dropped++;
      client.destroy();
      return;
    }
    const server = open({ port: backend.port, host: '127.0.0.1', allowHalfOpen: true });
    // Nobody was there: the client does not have to know.
    const refused = () => this.#connect(client, tries - 1);
    server.once('error', refused);
    server.once('connect', () => {
      server.off('error', refused);
      if (client.destroyed) server.destroy();
      else this.#join(client, server);
    });
  }

  #join(client: Socket, server: Socket): void {
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.setNoDelay(true);
      this.#open.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#open.delete(one);
        if (!one.readableEnded) other.destroy();
      });
    }
  }

  #look(backend: Backend): void {
    let looked = false;
    const again = (ready: boolean) => {
      if (looked || this.#closed) return;
      looked = true;
      backend.ready = ready;
      backend.timer = setTimeout(() => this.#look(backend), LOOK);
    };
    const request = get({ port: backend.port, host: '127.0.0.1', path: '/ready', agent: false }, (response) => {
      response.resume();
      response.on('error', () => {});
      again(response.statusCode === 200);
    });
    request.on('error', () => again(false));
  }
}
