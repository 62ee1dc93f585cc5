import 'reflect-metadata';
import { afterEach } from 'vitest';
import { CatalogueService } from '#libs/catalogue';
import { configFrom, LiveConfig } from '#libs/config';
import {
  AbortSource,
  ANONYMOUS,
  type Answer,
  type Ask,
  type ClientSession,
  type Exchange,
  GatewayError,
  type InputRequest,
  type ObjectRef,
  type OutboundNotification,
  type Outcome,
  type Principal,
  SILENT,
} from '#libs/kernel';
import { parseClientMessage, type RequestMessage } from '#libs/mcp';
import {
  type AuditEvent,
  AuditTrail,
  type CallMetrics,
  type CallPolicy,
  Decide,
  type Decision,
  type ExtensionPoint,
  UpstreamCredential,
} from '#libs/plugin';
import { MemoryLimitStore, RateLimits } from '#libs/ratelimit';
import { UpstreamRegistry } from '#libs/upstream';
import { ProxyOptions } from '../options.js';
import { ProxyService } from '../proxy.service.js';
import { ScriptedUpstream } from './scripted-upstream.js';

/** Permissions that a test sets, one for all callers. */
export class TestPolicy extends Decide {
  policyVersion = 1;

  constructor(private effects: (ref: ObjectRef) => Decision['effect'] = () => 'allow') {
    super();
  }

  set(effects: (ref: ObjectRef) => Decision['effect']): void {
    this.effects = effects;
    this.policyVersion++;
  }

  decide(_: Principal, ref: ObjectRef): Decision {
    const effect = this.effects(ref);
    return effect === 'challenge' ? { effect, rule: 'test', scopes: ['more'] } : { effect, rule: 'test' };
  }

  classOf(): string {
    return '';
  }
}

class NoCredential extends UpstreamCredential {
  override readonly personal = false;

  headers() {
    return { kind: 'ok' as const, headers: {} };
  }
}

/** An audit that keeps what it was told, once a test switches it on. */
export class TestTrail extends AuditTrail {
  enabled = false;
  readonly events: AuditEvent[] = [];

  record(event: AuditEvent): void {
    this.events.push(event);
  }
}

const METRICS: CallMetrics = {
  toolCalled() {},
  toolFinished() {},
  listed() {},
  refused() {},
  limited() {},
  tolerated() {},
  requested() {},
};

export interface CorridorOptions {
  /** Members of `proxy:` besides `servers`. */
  readonly proxy?: object;
  readonly warmUp?: number;
  /** Permissions, made with the corridor's configuration. Default: everything is allowed. */
  readonly decide?: Decide | ((live: LiveConfig) => Decide);
  /** The section `rate_limit`. */
  readonly rateLimit?: readonly object[];
  /** By name. */
  readonly policies?: Readonly<Record<string, CallPolicy>>;
  /** Members of `server.limits`. */
  readonly limits?: object;
  /** Upstreams that are not waited for. */
  readonly late?: readonly string[];
}

/** The proxy with the real catalogue and the real upstream registry, between scripted upstreams and test clients. */
export class Corridor {
  readonly live: LiveConfig;
  readonly proxy: ProxyService;
  readonly audit = new TestTrail();
  readonly #registry: UpstreamRegistry;

  private constructor(
    private readonly upstreams: Readonly<Record<string, ScriptedUpstream>>,
    options: CorridorOptions,
  ) {
    this.live = new LiveConfig(
      configFrom({
        server: { limits: options.limits ?? {} },
        proxy: this.#section(options.proxy),
        rate_limit: options.rateLimit ?? [],
      }),
    );
    const extensions = {
      get: <T extends object>(point: ExtensionPoint<T>, name: string) =>
        ((point as unknown) === UpstreamCredential ? new NoCredential() : upstreams[name]) as unknown as T,
      all: <T extends object>() =>
        new Map(Object.entries(options.policies ?? {})) as ReadonlyMap<string, object> as ReadonlyMap<string, T>,
    };
    this.#registry = new UpstreamRegistry(extensions);
    const { proxy, server, rate_limit } = this.live.sections;
    const { decide = new TestPolicy() } = options;
    const catalogue = new CatalogueService(typeof decide === 'function' ? decide(this.live) : decide);
    const settings = new ProxyOptions('1.2.3', options.warmUp ?? 20);
    this.proxy = new ProxyService(
      proxy,
      server,
      catalogue,
      this.#registry,
      METRICS,
      settings,
      SILENT,
      this.audit,
      new RateLimits(rate_limit, new MemoryLimitStore()),
      extensions,
    );
  }

  static async open(
    upstreams: Readonly<Record<string, ScriptedUpstream>>,
    options: CorridorOptions = {},
  ): Promise<Corridor> {
    const corridor = new Corridor(upstreams, options);
    await corridor.proxy.onApplicationBootstrap();
    for (const name in upstreams) if (!options.late?.includes(name)) await corridor.listed(name);
    return corridor;
  }

  /** Waits until an upstream's lists are in the catalogue. */
  async listed(name: string): Promise<void> {
    while (!this.#registry.get(name)?.listing) {
      await new Promise<void>((resolve) => {
        const stop = this.#registry.events.on('listed', () => {
          stop();
          resolve();
        });
      });
    }
  }

  /** Changes members of `proxy:` besides `servers`, or leaves servers out, as a reload would. */
  reload(proxy: object, without: readonly string[] = []): void {
    this.live.sections.proxy.replace(configFrom({ proxy: this.#section(proxy, without) }).config.proxy);
  }

  client(options: ClientOptions = {}): TestClient {
    return new TestClient(this.proxy, options);
  }

  close(): Promise<void> {
    return this.#registry.stop(0);
  }

  /** An upstream's type is its name: that is how its transport is found. */
  #section(proxy: object = {}, without: readonly string[] = []): object {
    const names = Object.keys(this.upstreams).filter((name) => !without.includes(name));
    return { ...proxy, heartbeat: { enabled: false }, servers: names.map((name) => ({ name, type: name })) };
  }
}

export interface ClientOptions {
  readonly at?: string;
  readonly version?: string;
  readonly name?: string;
  readonly capabilities?: object;
  readonly principal?: Principal;
}

let sessions = 0;

/** A legacy client's side of the proxy: one session, what it was told and what it was asked. */
export class TestClient {
  readonly session: ClientSession;
  /** On the streams of requests. */
  readonly told: { method: string; params: string }[] = [];
  /** On the session's own stream. */
  readonly heard: { method: string; params: string }[] = [];
  readonly asked: { method: string; params: string; server: string }[] = [];
  /** How it answers questions. */
  reply: (request: InputRequest) => Answer | Promise<Answer> = () => {
    throw new GatewayError('ASK_UNDELIVERED', 'nobody answers');
  };

  constructor(
    private readonly proxy: ProxyService,
    options: ClientOptions,
  ) {
    const name = options.name ?? 'test';
    this.session = {
      id: `session-${++sessions}`,
      principal: options.principal ?? ANONYMOUS,
      endpoint: proxy.endpoint(options.at) ?? { kind: 'aggregate' },
      client: {
        era: 'legacy',
        version: options.version ?? '2025-11-25',
        name,
        clientVersion: '1',
        capabilities: (options.capabilities ?? {}) as Record<string, unknown>,
      },
      spelling: proxy.spelling(name),
      elsewhere: false,
    };
  }

  exchange(): Exchange & { abort(): void } {
    const source = new AbortSource();
    const { principal, client, endpoint, spelling } = this.session;
    return {
      id: 'request-1',
      session: this.session,
      principal,
      client,
      endpoint,
      spelling,
      remoteAddress: '127.0.0.1',
      headers: {},
      notify: (notification) => void this.told.push(textOf(notification)),
      ask: (request) => this.ask(request),
      get aborted() {
        return source.aborted;
      },
      get signal() {
        return source.signal;
      },
      onAbort: (listener) => source.onAbort(listener),
      abort: () => source.abort(new GatewayError('CANCELLED', 'cancelled')),
    };
  }

  /** A request as the front door hands it over; params as JSON text, or as a value. */
  message(method: string, params: string | object = '{}'): RequestMessage {
    return requestOf(method, typeof params === 'string' ? params : JSON.stringify(params));
  }

  /** Sends a request; params are JSON text. @throws GatewayError */
  async send(method: string, params: string | object = '{}', exchange = this.exchange()): Promise<Outcome> {
    return this.proxy.handle(exchange, this.message(method, params));
  }

  /** The text of a result. */
  async result(method: string, params: string | object = '{}'): Promise<string> {
    const outcome = await this.send(method, params);
    if (outcome.kind === 'error') throw new Error(outcome.error.toString());
    return outcome.result.toString();
  }

  /** The text of an error that came from the upstream. */
  async error(method: string, params: string | object = '{}'): Promise<string> {
    const outcome = await this.send(method, params);
    if (outcome.kind !== 'error') throw new Error(outcome.result.toString());
    return outcome.error.toString();
  }

  initialize(): Record<string, never> & { capabilities: object; instructions?: string } {
    return JSON.parse(this.proxy.initializeResult(this.exchange()).toString());
  }

  /** Opens the session's own stream. */
  listen(): () => void {
    return this.proxy.subscribe(this.session, this);
  }

  // As the front door's streams do, it needs itself for both.
  deliver(notification: OutboundNotification): void {
    this.heard.push(textOf(notification));
  }

  ask(request: InputRequest): Ask {
    this.asked.push({ ...textOf(request), server: request.server });
    const answer = (async () => this.reply(request))();
    answer.catch(() => {});
    return { answer, withdraw() {} };
  }
}

function textOf({ method, params }: OutboundNotification): { method: string; params: string } {
  return { method, params: params?.toString() ?? '' };
}

function requestOf(method: string, params: string): RequestMessage {
  const body = Buffer.from(`{"jsonrpc":"2.0","id":1,"method":${JSON.stringify(method)},"params":${params}}`);
  const message = parseClientMessage(body, { depth: 64, nodes: 100_000 });
  if (message.kind !== 'request') throw new Error('not a request');
  return message;
}

/** Opens corridors that are closed after each test of the file. */
export function corridors(): typeof Corridor.open {
  const open: Corridor[] = [];
  afterEach(async () => {
    for (const corridor of open.splice(0)) await corridor.close();
  });
  return async (upstreams, options) => {
    const corridor = await Corridor.open(upstreams, options);
    open.push(corridor);
    return corridor;
  };
}
