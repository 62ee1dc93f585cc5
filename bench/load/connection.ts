import { connect, type Socket } from 'node:net';
import { type Response, ResponseParser } from './response.ts';

/** Longest silence within one exchange, in milliseconds. A reply that has not come by then is lost. */
const SILENCE = 30_000;

/** One buffer for every connection: a read is handed over and copied before the next one begins. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

interface Waiting {
  readonly resolve: (response: Response) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A keep-alive connection with one exchange at a time. Cheaper than any HTTP client: it writes bytes that are ready and
 * looks only for where the response ends.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #parser = new ResponseParser((response) => {
    if (response.last) this.close();
    this.#settle((waiting) => waiting.resolve(response));
  });
  #waiting: Waiting | undefined;
  #open = true;

  private constructor(host: string, port: number, opened: Waiting & { resolve: () => void }) {
    const callback = (bytes: number) => {
      this.#feed(bytes);
      return true;
    };
    this.#socket = connect({ host, port, noDelay: true, onread: { buffer: READ_BUFFER, callback } });
    this.#socket.setTimeout(SILENCE, () => this.#socket.destroy(new Error(`silence for ${SILENCE} ms`)));
    this.#socket.once('connect', () => opened.resolve());
    this.#socket.on('error', (error) => {
      opened.reject(error);
      this.#fail(error);
    });
    this.#socket.on('close', () => {
      this.#open = false;
      if (!this.#parser.end()) this.#fail(new Error('the connection was closed before the reply'));
    });
  }

  static async open(host: string, port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const connection: Connection = new Connection(host, port, { resolve: () => resolve(connection), reject });
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Sends a request and waits for the whole response. @throws Error when the connection breaks, or after 30 s of silence */
  exchange(request: string | readonly (string | Buffer)[]): Promise<Response> {
    if (!this.#open) return Promise.reject(new Error('the connection is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (typeof request === 'string') {
        this.#socket.write(request, 'latin1');
        return;
      }
      this.#socket.cork();
      for (const part of request) this.#socket.write(part as string, 'latin1');
      this.#socket.uncork();
    });
  }

  close(): void {
    this.#open = false;
    this.#socket.destroy();
  }

  #feed(bytes: number): void {
    try {
      this.#parser.feed(READ_BUFFER.subarray(0, bytes));
    } catch (error) {
      this.#socket.destroy(error as Error);
    }
  }

  #fail(error: Error): void {
    this.#settle((waiting) => waiting.reject(error));
  }

  #settle(how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) how(waiting);
  }
}

/** Connections to one place, one at a time: opened when needed, and anew when the other side wants no more of the last. */
export class Line {
  readonly #host: string;
  readonly #port: number;
  #connection: Connection | undefined;

  constructor({ host, port }: { readonly host: string; readonly port: number }) {
    this.#host = host;
    this.#port = port;
  }

  /** @throws Error when it cannot be opened, when it breaks, or after 30 s of silence */
  exchange(request: string | readonly (string | Buffer)[]): Promise<Response> {
    return this.#connection?.isOpen ? this.#connection.exchange(request) : this.#exchangeAnew(request);
  }

  close(): void {
    this.#connection?.close();
  }

  async #exchangeAnew(request: string | readonly (string | Buffer)[]): Promise<Response> {
    this.#connection = await Connection.open(this.#host, this.#port);
    return this.#connection.exchange(request);
  }
}
