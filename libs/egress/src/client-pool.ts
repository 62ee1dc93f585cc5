import type { buildConnector as BuildConnector, Dispatcher } from 'undici';
import { Roster, type Seated } from '#libs/kernel';
import { Client, ClientDestroyedError } from './undici.js';

export interface ClientPoolOptions {
  /** Most sockets at a time; as many as are asked for when absent. */
  readonly connections: number | undefined;
  readonly connect: BuildConnector.connector;
}

interface Queued {
  readonly options: Dispatcher.DispatchOptions;
  readonly handler: Dispatcher.DispatchHandler;
}

/** Whom a client tells what becomes of it. */
interface Owner {
  drained(client: PooledClient): void;
  disconnected(client: PooledClient): void;
  notConnected(client: PooledClient): void;
}

/** One socket, opened when something is to be sent on it. */
class PooledClient extends Client implements Seated {
  /** On the roster of those that are free. */
  seat = -1;
  connected = false;
  /** Nothing new is sent on it. */
  gone = false;

  constructor(
    origin: URL,
    connect: BuildConnector.connector,
    readonly owner: Owner,
  ) {
    super(origin, {
      pipelining: 1,
      // Requests are bounded by whoever sends them, and reset by progress: no clock of its own down here.
      headersTimeout: 0,
      bodyTimeout: 0,
      // One socket per request keeps an abort from touching its neighbours.
      allowH2: false,
      connect,
    });
  }

  /** Heard without listeners, which each client would have to keep: there may be ten thousand clients. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    switch (event) {
      case 'connect':
        this.connected = true;
        break;
      case 'drain':
        this.owner.drained(this);
        break;
      case 'disconnect':
        this.connected = false;
        this.owner.disconnected(this);
        break;
      case 'connectionError':
        this.owner.notConnected(this);
        break;
    }
    return super.emit(event as 'drain', ...(args as [URL]));
  }
}

/**
 * Sockets to one origin, each for one request at a time. undici's own Pool looks through all its clients for one that is
 * free, twice for each request, and keeps every client it ever had: here a free one is at hand, the one used last, and one
 * whose socket closed is dropped.
 */
export class ClientPool implements Owner {
  /** Parsed once for all clients. */
  readonly #origin: URL;
  readonly #options: ClientPoolOptions;
  readonly #free = new Roster<PooledClient>();
  readonly #clients = new Set<PooledClient>();
  /** Finish what they have. */
  readonly #leaving = new Set<PooledClient>();
  readonly #queue: Queued[] = [];
  #destroyed: Error | undefined;

  constructor(origin: string, options: ClientPoolOptions) {
    this.#origin = new URL(origin);
    this.#options = options;
  }

  /** Sends a request, or has it wait for a socket. Whatever comes of it, `handler` is told. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    if (this.#destroyed) {
      handler.onResponseError?.(null as never, this.#destroyed);
      return;
    }
    const client = this.#available();
    if (!client) this.#queue.push({ options, handler });
    else if (!this.#occupies(client, options, handler)) this.#freed(client);
  }

  /** Lets go of the sockets nobody uses. */
  renew(): void {
    for (const client of this.#free.all()) this.#retire(client);
  }

  /** Sends nothing new on the sockets of now: those in use finish what they have, and whoever waits gets others. */
  renewAll(): void {
    for (const client of [...this.#clients]) this.#retire(client);
    this.#serve();
  }

  /** Ends everything, what waits included. Resolves when no socket is left. */
  async destroy(): Promise<void> {
    this.#destroyed ??= new ClientDestroyedError();
    const error = this.#destroyed;
    for (const { handler } of this.#queue.splice(0)) handler.onResponseError?.(null as never, error);
    await Promise.all([...this.#clients, ...this.#leaving].map((client) => client.destroy(error)));
  }

  drained(client: PooledClient): void {
    if (client.stats.size === 0) this.#freed(client);
  }

  disconnected(client: PooledClient): void {
    if (client.seat >= 0) this.#retire(client);
  }

  /** Whoever waited for this socket was told. The others get their own try. */
  notConnected(client: PooledClient): void {
    this.#retire(client);
    this.#serve();
  }

  #available(): PooledClient | undefined {
    const free = this.#free.take();
    if (free) return free;
    const { connect, connections = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#clients.size >= connections) return undefined;
    const client = new PooledClient(this.#origin, connect, this);
    this.#clients.add(client);
    return client;
  }

  /** False when the client is still free: undici would not send this. */
  #occupies(client: PooledClient, options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    client.dispatch(options, handler);
    return client.gone || client.stats.size > 0;
  }

  /** It can take another request: one that waits, or the next. */
  #freed(client: PooledClient): void {
    if (client.gone || client.seat >= 0) return;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      if (this.#occupies(client, next.options, next.handler)) return;
    }
    if (client.connected) this.#free.add(client);
    else this.#retire(client);
  }

  /** Sends what waits on other sockets. */
  #serve(): void {
    while (this.#queue.length > 0 && !this.#destroyed) {
      const client = this.#available();
      if (!client) return;
      this.#freed(client);
    }
  }

  #retire(client: PooledClient): void {
    client.gone = true;
    this.#free.remove(client);
    if (!this.#clients.delete(client) || client.destroyed) return;
    this.#leaving.add(client);
    client.close(() => this.#leaving.delete(client));
  }
}
