import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP relay in front of an upstream, for what happens to a network and not to a program. */
export class Relay {
  readonly #target: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  /** New connections are swallowed too. */
  swallowing = false;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((near) => this.#accept(near));
  }

  static async start(target: number): Promise<Relay> {
    const relay = new Relay(target);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The peer of every open connection is gone without a word: what is sent arrives nowhere and nothing comes back. */
  swallow(): void {
    for (const pair of this.#pairs) pair.swallow();
  }

  /** RST on every open connection. */
  reset(): void {
    for (const pair of this.#pairs) pair.near.resetAndDestroy();
  }

  async close(): Promise<void> {
    for (const { near } of this.#pairs) near.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(near: Socket): void {
    const far = connect(this.#target, '127.0.0.1');
    const pair = new Pair(near, far);
    this.#pairs.add(pair);
    near.once('close', () => this.#pairs.delete(pair));
    if (this.swallowing) pair.swallow();
  }
}

class Pair {
  readonly near: Socket;
  readonly #far: Socket;
  #swallowed = false;

  constructor(near: Socket, far: Socket) {
    this.near = near;
    this.#far = far;
    near.on('data', (bytes: Buffer) => this.#swallowed || far.write(bytes));
    far.on('data', (bytes: Buffer) => this.#swallowed || near.write(bytes));
    near.on('error', () => {}).once('close', () => far.destroy());
    far.on('error', () => {}).once('close', () => this.#swallowed || near.destroy());
  }

  swallow(): void {
    this.#swallowed = true;
    this.#far.destroy();
  }
}
