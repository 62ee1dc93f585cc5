import { Inject, Injectable, Optional } from '@nestjs/common';
import { equalConfig, type ProxyConfig, type UpstreamConfig } from '#libs/config';
import { Emitter, GatewayError, type Log, messageOf, SILENT, within } from '#libs/kernel';
import type { Listing } from '#libs/mcp';
import { ExtensionRegistry, GatewayLog } from '#libs/plugin';
import type { UpstreamDirectory, UpstreamEvents } from '../contract.js';
import { ChildPlaces } from '../pool/child-places.js';
import { ColdStartGate } from '../supervisor/cold-start-gate.js';
import type { Extensions } from '../upstream/opener.js';
import type { GatewaySettings } from '../upstream/settings.js';
import { Upstream } from '../upstream/upstream.js';

export interface ApplyOptions {
  /** The listener is loopback only: anonymous callers are one person and share `user` state. */
  readonly sharedAnonymous: boolean;
  /** Whether a client session has a stream for what belongs to no request. Default: they all have. */
  readonly isListening?: (clientSession: string) => boolean;
  /** Version of the gateway, told to upstreams in `clientInfo`. */
  readonly version: string;
  /** Milliseconds running calls of a removed or changed upstream may take (`server.shutdown.timeout`). */
  readonly shutdownTimeout?: number;
}

/** Names of the upstreams a new configuration concerned. */
export interface Applied {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  readonly unchanged: readonly string[];
}

const SHUTDOWN_TIMEOUT = 60_000;

/** All configured upstreams. Works without Nest: hand it anything that finds transports and credentials. */
@Injectable()
export class UpstreamRegistry implements UpstreamDirectory {
  readonly events: Emitter<UpstreamEvents>;
  readonly #extensions: Extensions;
  readonly #log: Log;
  readonly #gate = new ColdStartGate();
  /** In configured order. */
  #upstreams = new Map<string, { readonly config: UpstreamConfig; readonly upstream: Upstream }>();
  /** The same, for those who look at all of them. */
  #all: readonly Upstream[] = [];
  readonly #retiring = new Map<Upstream, Promise<void>>();
  #settings: GatewaySettings | undefined;
  #egress: ProxyConfig['egress'] | undefined;
  #stopped = false;

  readonly #places: ChildPlaces;

  constructor(
    @Inject(ExtensionRegistry) extensions: Extensions,
    @Optional() @Inject(GatewayLog) log?: Log,
    @Optional() @Inject(ChildPlaces) places?: ChildPlaces,
  ) {
    this.#places = places ?? new ChildPlaces();
    this.#extensions = extensions;
    this.#log = log ?? SILENT;
    this.events = new Emitter((thrown) => {
      this.#log.error({ err: thrown }, `A listener of upstream events failed: ${messageOf(thrown)}`);
    });
  }

  get(name: string): Upstream | undefined {
    return this.#upstreams.get(name)?.upstream;
  }

  all(): readonly Upstream[] {
    return this.#all;
  }

  clientListens(clientSession: string): void {
    for (const upstream of this.#all) upstream.clientListens(clientSession);
  }

  releaseClient(clientSession: string): void {
    for (const upstream of this.#all) upstream.releaseClient(clientSession);
    for (const upstream of this.#retiring.keys()) upstream.releaseClient(clientSession);
  }

  /**
   * Makes the configured servers the ones there are. Only what changed is touched: added upstreams start, removed ones
   * take no new calls and end with their last call, changed ones are replaced.
   */
  apply(config: ProxyConfig, options: ApplyOptions): Applied {
    if (this.#stopped) throw new GatewayError('SHUTTING_DOWN', 'The gateway is stopping');
    this.#settings = {
      discovery: config.discovery,
      heartbeat: config.heartbeat,
      retry: config.retry,
      breaker: config.breaker,
      grace: config.grace,
      sharedAnonymous: options.sharedAnonymous,
      isListening: options.isListening ?? (() => true),
      version: options.version,
    };
    this.#places.limit = config.max_children;
    // Sockets that are open were judged by the policy of then.
    const moved = this.#egress !== undefined && !equalConfig(this.#egress, config.egress);
    this.#egress = config.egress;
    const grace = options.shutdownTimeout ?? SHUTDOWN_TIMEOUT;
    const applied = {
      added: [] as string[],
      removed: [] as string[],
      changed: [] as string[],
      unchanged: [] as string[],
    };
    const before = this.#upstreams;
    const after: typeof before = new Map();
    const fresh: Upstream[] = [];
    for (const server of config.servers) {
      const known = before.get(server.name);
      const reaches = moved && server.connection.url !== undefined;
      if (known && !reaches && equalConfig(known.config, server)) {
        applied.unchanged.push(server.name);
        after.set(server.name, known);
        continue;
      }
      (known ? applied.changed : applied.added).push(server.name);
      // A changed upstream keeps its lists until the new ones are there; a disabled one has none.
      const upstream = this.#create(server, server.enabled ? known?.upstream.listing : undefined);
      if (known) upstream.takeOver(known.upstream);
      after.set(server.name, { config: server, upstream });
      fresh.push(upstream);
    }
    this.#upstreams = after;
    this.#all = [...after.values()].map(({ upstream }) => upstream);
    for (const [name, { upstream }] of before) {
      const next = after.get(name)?.upstream;
      if (next === upstream) continue;
      if (!next) applied.removed.push(name);
      this.#retire(upstream, grace, undefined, next);
      if (!next) this.events.emit('withdrawn', { server: name, reason: 'removed from the configuration' });
      else if (!next.enabled) this.events.emit('withdrawn', { server: name, reason: 'disabled in the configuration' });
    }
    for (const upstream of fresh) upstream.start();
    if (before.size > 0) this.#log.info({ ...applied }, 'Upstreams follow the new configuration');
    return applied;
  }

  /** Resolves when every enabled upstream has succeeded or failed once, or after `budget` milliseconds. */
  async settled(budget: number): Promise<void> {
    await within(budget, Promise.all(this.all().map((upstream) => upstream.settled)));
  }

  /** Lets running calls finish within `grace` milliseconds, then closes everything. No child is left when it resolves. */
  async stop(grace: number): Promise<void> {
    this.#stopped = true;
    const stopping = new GatewayError('SHUTTING_DOWN', 'The gateway is stopping');
    for (const upstream of this.all()) this.#retire(upstream, grace, stopping);
    // What was retiring at its leisure has to hurry now.
    for (const upstream of this.#retiring.keys()) upstream.hurry(grace);
    await Promise.all(this.#retiring.values());
  }

  #create(config: UpstreamConfig, inherited: Listing | undefined): Upstream {
    return new Upstream({
      config,
      extensions: this.#extensions,
      settings: () => this.#settings!,
      events: this.events,
      gate: this.#gate,
      places: this.#places,
      log: this.#log,
      ...(inherited ? { inherited } : {}),
    });
  }

  #retire(upstream: Upstream, grace: number, reason?: GatewayError, successor?: Upstream): void {
    const retiring = upstream
      .retire(grace, reason, successor)
      .catch((thrown: unknown) => {
        this.#log.error({ upstream: upstream.name, err: thrown }, `${upstream.name} could not be closed in order`);
      })
      .finally(() => this.#retiring.delete(upstream));
    this.#retiring.set(upstream, retiring);
  }
}
