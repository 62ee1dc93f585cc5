import { ConnectionConfig, ProxyConfig, UpstreamConfig } from '#libs/config';
import type { Log } from '#libs/kernel';
import type { Listing } from '#libs/mcp';
import {
  type Connection,
  type ConnectOptions,
  type CredentialOutcome,
  type ExtensionPoint,
  UpstreamCredential,
  type UpstreamTarget,
  UpstreamTransport,
} from '#libs/plugin';
import type { ChildPlaces } from '../pool/child-places.js';
import { type ApplyOptions, UpstreamRegistry } from '../registry/upstream-registry.js';
import type { Extensions } from '../upstream/opener.js';
import { ScriptedConnection } from './scripted-connection.js';

/** Nothing to send: the same for everybody, or (`per-user`) for each caller apart. */
class NoCredential extends UpstreamCredential {
  constructor(override readonly personal: boolean) {
    super();
  }

  headers(): CredentialOutcome {
    return { kind: 'ok', headers: {} };
  }
}

/** Connections made by the test instead of by a wire. */
export class ScriptedTransport extends UpstreamTransport {
  readonly connections: ScriptedConnection[] = [];
  released = 0;
  renewed = 0;
  /** Makes the next connection, or throws. */
  make: (target: UpstreamTarget, count: number) => ScriptedConnection | Promise<ScriptedConnection>;

  constructor(make: ScriptedTransport['make'] = () => new ScriptedConnection()) {
    super();
    this.make = make;
  }

  async connect(target: UpstreamTarget, { listener, signal }: ConnectOptions): Promise<Connection> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    const connection = await Promise.race([this.make(target, this.connections.length), aborted]);
    connection.attach(listener);
    this.connections.push(connection);
    return connection;
  }

  override renew(): void {
    this.renewed++;
  }

  override async release(): Promise<void> {
    this.released++;
  }
}

/** Just what is handed in, found by name. */
export function extensionsOf(transports: Record<string, UpstreamTransport>): Extensions {
  const [common, personal] = [new NoCredential(false), new NoCredential(true)];
  return {
    get<T extends object>(point: ExtensionPoint<T>, name: string): T {
      const credential = name === 'per-user' ? personal : common;
      const found = (point as unknown) === UpstreamCredential ? credential : transports[name];
      if (!found) throw new Error(`no ${point.name} called ${name}`);
      return found as unknown as T;
    },
  };
}

export function serverOf(
  name: string,
  type: string,
  connection: Partial<ConnectionConfig> = {},
  rest: Partial<UpstreamConfig> = {},
): UpstreamConfig {
  return Object.assign(new UpstreamConfig(), {
    name,
    type,
    connection: Object.assign(new ConnectionConfig(), connection),
    ...rest,
  });
}

/** The section `proxy.discovery` with its defaults, but for how often. */
export function listingEvery(interval: number): ProxyConfig['discovery'] {
  return { ...new ProxyConfig().discovery, interval };
}

/** Quick retries, no heartbeat and no periodic listing unless asked for. */
export function proxyOf(servers: UpstreamConfig[], rest: Partial<ProxyConfig> = {}): ProxyConfig {
  return Object.assign(new ProxyConfig(), {
    discovery: listingEvery(600_000),
    heartbeat: { enabled: false, interval: 10_000, timeout: 5_000, failures: 3 },
    retry: { initial: 20, max: 100, multiplier: 2 },
    servers,
    ...rest,
  });
}

export interface Lines {
  readonly log: Log;
  readonly lines: { level: string; fields: Record<string, unknown>; message: string }[];
}

export function recordingLog(): Lines {
  const lines: Lines['lines'] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message });
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

/** A registry under test, with its events on record. Stop it at the end of the test. */
export class RegistryBench {
  readonly registry: UpstreamRegistry;
  readonly listed: Listing[] = [];
  readonly withdrawn: { server: string; reason: string }[] = [];
  readonly updated: { server: string; uri: string; clients: readonly string[] }[] = [];
  readonly logged: { params: string; clients: readonly string[] }[] = [];
  readonly states: string[] = [];
  readonly log = recordingLog();
  #wake: (() => void)[] = [];

  /** `places`: those of the stdio transport, where the bound on children matters. */
  constructor(transports: Record<string, UpstreamTransport>, places?: ChildPlaces) {
    this.registry = new UpstreamRegistry(extensionsOf(transports), this.log.log, places);
    const { events } = this.registry;
    events.on('listed', (listing) => this.#note(() => this.listed.push(listing)));
    events.on('withdrawn', (event) => this.#note(() => this.withdrawn.push(event)));
    events.on('resourceUpdated', ({ server, uri, clients }) =>
      this.#note(() => this.updated.push({ server, uri, clients })),
    );
    events.on('logged', ({ params, clients }) =>
      this.#note(() => this.logged.push({ params: params.toString(), clients })),
    );
    events.on('status', ({ name, state }) =>
      this.#note(() => {
        const text = `${name} ${state}`;
        if (this.states.at(-1) !== text) this.states.push(text);
      }),
    );
  }

  apply(config: ProxyConfig, options: Partial<ApplyOptions> = {}) {
    return this.registry.apply(config, { sharedAnonymous: true, version: '0.0.0', ...options });
  }

  /** Applies and waits until everything is up. */
  async up(config: ProxyConfig, options: Partial<ApplyOptions> = {}): Promise<void> {
    this.apply(config, options);
    for (const { enabled, name } of config.servers) if (enabled) await this.state(name, 'ready');
  }

  upstream(name: string) {
    const upstream = this.registry.get(name);
    if (!upstream) throw new Error(`no upstream ${name}`);
    return upstream;
  }

  async state(name: string, state: string): Promise<void> {
    await this.until(() => this.upstream(name).status.state === state);
  }

  /** Waits for a condition that changes with an event. */
  async until(ready: () => boolean): Promise<void> {
    while (!ready()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  names(server: string): string[] {
    const listing = this.upstream(server).listing;
    return (listing?.items.tools ?? []).map((raw) => (JSON.parse(raw.toString()) as { name: string }).name);
  }

  #note(record: () => void): void {
    record();
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}
