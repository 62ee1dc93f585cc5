import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuditLog, auditProblems } from '#libs/audit';
import { authProblems, authWarnings } from '#libs/auth';
import { type Catalogue, CatalogueService } from '#libs/catalogue';
import type { LiveConfig, Problem } from '#libs/config';
import { correlationOf, DownstreamStats, Drain, httpServerOptions, installBodyPassthrough } from '#libs/downstream';
import { GatewayError } from '#libs/kernel';
import { createLogger, type GatewayLogger, logRequests, nestLogger } from '#libs/logging';
import { GatewayMetrics } from '#libs/metrics';
import { ExtensionRegistry, loadPlugins, type UpstreamStatus } from '#libs/plugin';
import { GatewayStatus } from '#libs/proxy';
import { settingsProblems, UpstreamRegistry } from '#libs/upstream';
import { keepSocketsAlike } from './alike-sockets.js';
import { AppModule } from './app.module.js';
import { closeGateway } from './close-gateway.js';
import { processTerminal } from './terminal.js';

export interface GatewayOptions {
  readonly live: LiveConfig;
  /** Default: silent. */
  readonly logger?: GatewayLogger;
  /** Metrics of the process itself; for one gateway per process at most. */
  readonly processMetrics?: boolean;
  /** Where the audit goes with `audit.to: stdout`. Default: the process's standard output. */
  readonly stdout?: { write(line: string): unknown };
}

export interface CloseOptions {
  /** Milliseconds to keep serving after `/ready` says no. Default 0. */
  readonly pause?: number;
  /** Milliseconds that running requests get. Default: `server.shutdown.timeout`. */
  readonly timeout?: number;
}

/** A running gateway. */
export interface Gateway {
  /** `http://host:port` it listens on. */
  readonly url: string;
  /** Only this machine can reach it. */
  readonly loopback: boolean;
  readonly app: NestFastifyApplication;
  upstreams(): readonly UpstreamStatus[];
  /** Everything the upstreams offer at the moment. */
  catalogue(): Catalogue;
  /** Something about an upstream changed. Returns the function that stops it. */
  onUpstreamChange(listener: () => void): () => void;
  /** Drains and ends everything, children included. Safe to call twice. */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Starts a gateway. Upstreams connect on their own: it does not wait for them. Several may run in one process.
 * @throws ConfigError, GatewayError CONFIG_INVALID (the address cannot be listened on), PLUGIN_INVALID
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { live } = options;
  const app = await assemble(options);
  const gateway = running(app, live);
  try {
    await app.listen(live.current.server.port, live.current.server.host);
  } catch (thrown) {
    await gateway.close({ timeout: 0 });
    throw explainListen(thrown, live.current.server);
  }
  app.get(GatewayStatus).markStarted();
  return { ...gateway, ...addressOf(app) };
}

/**
 * Everything `createGateway` finds wrong before it listens or contacts anybody: plug-ins that do not load, settings that
 * a transport or a credential cannot use. Returns what the identity provider finds doubtful.
 * @throws ConfigError, GatewayError PLUGIN_INVALID
 */
export async function checkGateway(live: LiveConfig): Promise<readonly Problem[]> {
  const app = await assemble({ live });
  return authWarnings(live.current, app.get(ExtensionRegistry));
}

/** A gateway that has started everything but listening: for looking at what one of this configuration would meet. */
export interface Rehearsal extends Pick<Gateway, 'app' | 'upstreams' | 'catalogue' | 'onUpstreamChange' | 'close'> {
  /** Resolves when every upstream has succeeded or failed once, or after so many milliseconds. */
  settled(patience: number): Promise<void>;
}

/** @throws ConfigError, GatewayError CONFIG_INVALID, PLUGIN_INVALID */
export async function rehearseGateway(options: GatewayOptions): Promise<Rehearsal> {
  const app = await assemble(options);
  const gateway = running(app, options.live);
  await app.init();
  return { ...gateway, settled: (patience) => app.get(UpstreamRegistry).settled(patience) };
}

/** All rooms, put together and checked; nothing has started. */
async function assemble(options: GatewayOptions): Promise<NestFastifyApplication> {
  const { live } = options;
  const logger = options.logger ?? createLogger({ level: 'silent', format: 'json', sink: { write: () => {} } });
  const { path } = live.source;
  const folder = path ? dirname(path) : process.cwd();
  const plugins = await loadPlugins(live.current.plugins, { baseDir: folder });
  const adapter = new FastifyAdapter(httpServerOptions(live.current.server.limits));
  const module = AppModule.register({
    live,
    logger,
    plugins,
    processMetrics: options.processMetrics ?? false,
    audit: { folder, stdout: options.stdout ?? { write: (line) => processTerminal().out(line) } },
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: nestLogger(logger),
    abortOnError: false,
  });
  installBodyPassthrough(adapter.getInstance(), () => live.current.server.limits);
  keepSocketsAlike(app.getHttpServer());
  logRequests(app.getHttpServer(), logger, correlationOf);
  const extensions = app.get(ExtensionRegistry);
  live.checkWith((config) => [
    ...settingsProblems(config.proxy.servers, extensions),
    ...authProblems(config, extensions),
    ...auditProblems(config.audit, folder),
  ]);
  return app;
}

function running(app: NestFastifyApplication, live: LiveConfig): Omit<Gateway, 'url' | 'loopback'> {
  const [status, stats, registry, drain] = [
    app.get(GatewayStatus),
    app.get(DownstreamStats),
    app.get(UpstreamRegistry),
    app.get(Drain),
  ];
  app.get(GatewayMetrics).attach({
    status,
    audit: app.get(AuditLog),
    frontDoor: {
      sessions: () => stats.sessions,
      streams: () => stats.streams,
      parked: () => stats.parked,
      inFlight: () => stats.inFlight,
      bytesInFlight: () => stats.bytesInFlight,
      loopDelay: () => stats.loopDelay,
    },
  });
  let closed: Promise<void> | undefined;
  return {
    app,
    upstreams: () => status.upstreams(),
    catalogue: () => app.get(CatalogueService).current,
    onUpstreamChange(listener) {
      const stops = (['status', 'listed', 'withdrawn'] as const).map((event) => registry.events.on(event, listener));
      return () => {
        for (const stop of stops) stop();
      };
    },
    close({ pause = 0, timeout = live.current.server.shutdown.timeout } = {}) {
      closed ??= closeGateway(app, { status, drain }, { pause, timeout });
      return closed;
    },
  };
}

/** Where it listens; for a wildcard address, how this machine reaches it. */
function addressOf(app: NestFastifyApplication): Pick<Gateway, 'url' | 'loopback'> {
  const { address, port } = app.getHttpServer().address() as AddressInfo;
  const loopback = address === '::1' || address.startsWith('127.');
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, loopback };
}

function explainListen(thrown: unknown, { host, port }: { host: string; port: number }): unknown {
  const say = (text: string) => new GatewayError('CONFIG_INVALID', text, { cause: thrown });
  switch ((thrown as { code?: unknown }).code) {
    case 'EADDRINUSE':
      return say(
        `port ${port} on ${host} is in use: stop what listens there (another gateway?), or choose another port with --port or server.port`,
      );
    case 'EACCES':
      return say(
        `port ${port} on ${host} needs privileges this user does not have: choose one above 1023 with --port or server.port`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return say(`${host} is no address of this machine: correct --host or server.host`);
    default:
      return thrown;
  }
}
