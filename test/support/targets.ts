import { type ConnectOptions, connect, type Peer } from './client.js';
import { type Gateway, listed, spawnGateway } from './gateway.js';
import { http, RICH, startRich, stdio } from './upstreams.js';
import { Cleanup } from './wait.js';

/**
 * The ways to reach the rich fixture. `direct` is the baseline: what a client gets with nothing in between. The same test
 * then runs through the gateway, over both kinds of upstream and both kinds of endpoint.
 */
export const TARGETS = process.env['TEST_DIRECT_ONLY']
  ? (['direct'] as const)
  : (['direct', '/mcp/web', '/mcp/local', '/mcp web', '/mcp local'] as const);

export type TargetLabel = (typeof TARGETS)[number];

export class Target {
  constructor(
    readonly url: string,
    /** The upstream's name where names and URIs carry it, else undefined. */
    readonly prefix: string | undefined,
    readonly cleanup: Cleanup,
  ) {}

  name(own: string): string {
    return this.prefix === undefined ? own : `${this.prefix}:${own}`;
  }

  uri(own: string): string {
    if (this.prefix === undefined || own.startsWith(`${this.prefix}+`)) return own;
    return own.startsWith('ui://') ? `ui://${this.prefix}+${own.slice(5)}` : `${this.prefix}+${own}`;
  }

  async connect(options: ConnectOptions = {}): Promise<Peer> {
    return this.cleanup.add(await connect(this.url, options));
  }
}

/** The fixture over HTTP and stdio, and one gateway in front of both. Made once per test file. */
export class Targets {
  #direct = '';
  #gateway: Gateway | undefined;
  readonly #servers = new Cleanup();
  readonly #clients = new Cleanup();

  async start(): Promise<void> {
    const rich = this.#servers.add(await startRich());
    this.#direct = rich.url;
    if (TARGETS.length === 1) return;
    const servers = [http('web', rich.url), stdio('local', RICH)];
    this.#gateway = this.#servers.add(await spawnGateway({ servers }));
    await listed(this.#gateway, 'web', 'local');
  }

  get(label: TargetLabel): Target {
    if (label === 'direct') return new Target(this.#direct, undefined, this.#clients);
    const [path = '', via] = label.split(' ');
    const name = via ?? path.slice('/mcp/'.length);
    const url = this.#gateway?.mcp(via ? undefined : name) ?? '';
    return new Target(url, via, this.#clients);
  }

  /** Ends what a test opened. */
  async endClients(): Promise<void> {
    await this.#clients.close();
  }

  async close(): Promise<void> {
    await this.#clients.close();
    await this.#servers.close();
  }
}
