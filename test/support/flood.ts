import { connect, type Socket } from 'node:net';

/** Many connections that behave badly, and what became of them. */
export class Flood {
  readonly #sockets = new Set<Socket>();
  #received = new Map<Socket, string>();
  #timer: NodeJS.Timeout | undefined;
  opened = 0;
  /** Answers by their status; 0: closed without one. */
  readonly ends = new Map<number, number>();

  /**
   * Opens `count` connections. Each sends `first` and then, once a second, a byte of `drip`, for as long as it lives.
   */
  async start(url: string, count: number, first: string, drip = ''): Promise<void> {
    const { hostname, port } = new URL(url);
    const opening = Array.from({ length: count }, () => this.#open(Number(port), hostname, first));
    const sockets = await Promise.all(opening);
    if (drip === '') return;
    let at = 0;
    this.#timer = setInterval(() => {
      const byte = drip[at++ % drip.length] as string;
      for (const socket of sockets) if (socket.writable) socket.write(byte);
    }, 1_000);
  }

  /** Connections that are still open. */
  get open(): number {
    return this.#sockets.size;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  async #open(port: number, hostname: string, first: string): Promise<Socket> {
    const socket = connect(port, hostname);
    this.#sockets.add(socket);
    this.#received.set(socket, '');
    socket.on('data', (chunk) => this.#received.set(socket, this.#received.get(socket) + chunk.toString('latin1')));
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => this.#closed(socket));
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    this.opened++;
    if (first !== '') socket.write(first);
    return socket;
  }

  #closed(socket: Socket): void {
    this.#sockets.delete(socket);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(this.#received.get(socket) ?? '')?.[1] ?? 0);
    this.#received.delete(socket);
    this.ends.set(status, (this.ends.get(status) ?? 0) + 1);
  }
}
