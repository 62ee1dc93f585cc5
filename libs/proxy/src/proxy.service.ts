import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { CatalogueService, type View } from '#libs/catalogue';
import { ProxyConfigRef, ServerConfigRef } from '#libs/config';
import {
  type ClientSession,
  type Endpoint,
  type Exchange,
  GatewayError,
  isLoopbackHost,
  type OutboundNotification,
  type Outcome,
  type Principal,
  type Spelling,
} from '#libs/kernel';
import { LIST_KINDS, type NotificationMessage, type ParamHeader, type RequestMessage } from '#libs/mcp';
import { AuditTrail, CallMetrics, CallPolicy, ExtensionRegistry, GatewayLog } from '#libs/plugin';
import { RateLimits } from '#libs/ratelimit';
import { UpstreamRegistry } from '#libs/upstream';
import { audited, isCall, watchEvent } from './audit/audited.js';
import { ChangeHub } from './changes/change-hub.js';
import { Listeners } from './changes/listeners.js';
import { SessionStates } from './changes/session-states.js';
import { type Listening, type ListenWish, McpProxy, type Readmission, type SessionChannel } from './contract.js';
import { InitializeAnswers } from './identity/initialize-answers.js';
import { spellingFor } from './identity/profiles.js';
import { Spellings } from './identity/spellings.js';
import { ListingWaits } from './listing-waits.js';
import { type Desk, type Request, Verdict } from './methods/context.js';
import { withinLimits } from './methods/limited.js';
import { handlerOf } from './methods/methods.js';
import { ReadCache } from './methods/read-cache.js';
import { readmit } from './methods/readmit.js';
import { targetOf } from './methods/target.js';
import { ProxyOptions } from './options.js';
import { PolicyChain } from './policies/policy-chain.js';
import { Heartbeats } from './progress/heartbeats.js';
import { catalogueSettings, endpointOf, serversBehind } from './settings.js';
import { ViewRequests } from './view-requests.js';

/** The corridor between the front door and the back door: resolve in the caller's view, send, deliver. */
@Injectable()
export class ProxyService extends McpProxy implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly identity: string;
  readonly #states = new SessionStates();
  readonly #hub: ChangeHub;
  #desk: Desk;
  readonly #listeners: Listeners;
  readonly #reads = new ReadCache();
  readonly #viewRequests = new ViewRequests();
  readonly #answers: InitializeAnswers;
  readonly #spellings = new Spellings((clientName) => this.#spelled(clientName));
  readonly #profilesSeen = new Set<string>();
  readonly #waits: ListingWaits;

  constructor(
    private readonly proxyConfig: ProxyConfigRef,
    private readonly serverConfig: ServerConfigRef,
    private readonly catalogue: CatalogueService,
    private readonly upstreams: UpstreamRegistry,
    metrics: CallMetrics,
    private readonly options: ProxyOptions,
    private readonly log: GatewayLog,
    private readonly audit: AuditTrail,
    private readonly limits: RateLimits,
    @Inject(ExtensionRegistry) private readonly extensions: Pick<ExtensionRegistry, 'all'>,
  ) {
    super();
    this.#hub = new ChangeHub(this.#states, (session) => this.#view(this.#asOfNow(session)));
    this.#desk = {
      catalogue,
      upstreams,
      states: this.#states,
      changes: this.#hub,
      metrics,
      reads: this.#reads,
      limits,
      heartbeats: new Heartbeats(() => this.proxyConfig.current.progress_heartbeat),
    };
    this.#listeners = new Listeners(upstreams, (exchange) => this.#view(this.#asOfNow(exchange)), {
      decide: ({ principal }, ref) => catalogue.decide(principal, ref),
      record: (...watch) => this.audit.enabled && this.audit.record(watchEvent(...watch)),
    });
    this.#waits = new ListingWaits({
      upstreams,
      catalogue,
      view: (exchange) => this.#view(exchange),
      patience: options.prepare,
    });
    this.#answers = new InitializeAnswers(upstreams, options.version);
    this.identity = JSON.stringify(this.#answers.serverInfo);
  }

  async onApplicationBootstrap(): Promise<void> {
    this.#desk = { ...this.#desk, policies: this.#policies() };
    this.#bind();
    await this.#apply();
    this.proxyConfig.onChange(() => void this.#apply().catch((thrown) => this.#applyFailed(thrown)));
    this.#waits.begin(this.options.warmUp);
  }

  /** Running calls had their time before the application closes: what is left is cut off, and no session and no child stays. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.upstreams.stop(0);
  }

  endpoint(name: string | undefined, principal?: Principal): Endpoint | undefined {
    const endpoint = endpointOf(name, this.proxyConfig.current);
    if (!endpoint || !principal || endpoint.kind === 'aggregate') return endpoint;
    const behind = serversBehind(endpoint, this.proxyConfig.current);
    const isHidden = behind.length > 0 && !behind.some((server) => this.catalogue.mayKnow(principal, server));
    return isHidden ? undefined : endpoint;
  }

  spelling(clientName: string): Spelling {
    return this.#spellings.of(clientName, this.proxyConfig.current);
  }

  #spelled(clientName: string): Spelling {
    const { spelling, profile } = spellingFor(clientName, this.proxyConfig.current);
    if (profile !== undefined && !this.#profilesSeen.has(profile)) {
      this.#profilesSeen.add(profile);
      this.log.info(
        { profile, ...spelling },
        `client profile '${profile}' spells names with '${spelling.separator}', at most ${spelling.maxLength} characters; change it under proxy.clients`,
      );
    }
    return spelling;
  }

  warm(exchange: Exchange, request?: RequestMessage): Promise<void> | undefined {
    return this.#waits.beforeFirst(exchange, request);
  }

  initializeResult(exchange: Exchange): Buffer {
    return this.#answers.answer(exchange, this.#view(exchange));
  }

  handle(exchange: Exchange, message: RequestMessage): Promise<Outcome> | Outcome {
    return this.#waits.pending ? this.#handleListed(exchange, message) : this.#handle(exchange, message);
  }

  async #handleListed(exchange: Exchange, message: RequestMessage): Promise<Outcome> {
    await this.#waits.before(exchange, message);
    return this.#handle(exchange, message);
  }

  #handle(exchange: Exchange, message: RequestMessage): Promise<Outcome> | Outcome {
    const { endpoint } = exchange;
    const capabilities =
      endpoint.kind === 'server' ? this.upstreams.get(endpoint.server)?.listing?.capabilities : undefined;
    const handler = handlerOf(message.method, endpoint, capabilities);
    if (!handler) throw new GatewayError('METHOD_NOT_FOUND', `Method not found: ${message.method.slice(0, 100)}`);
    const request = this.#request(exchange, message);
    if (!isCall(message.method)) return handler(this.#desk, request);
    if (this.audit.enabled) return audited(this.audit, this.#desk, request, handler);
    return withinLimits(this.#desk, request, handler);
  }

  notified(session: ClientSession, notification: NotificationMessage): void {
    if (notification.method !== 'notifications/roots/list_changed') return;
    for (const upstream of this.upstreams.all()) upstream.rootsChanged(session.id);
  }

  subscribe(session: ClientSession, channel: SessionChannel): () => void {
    const close = this.#hub.open(session, channel);
    this.upstreams.clientListens(session.id);
    return close;
  }

  discoverResult(exchange: Exchange): Buffer {
    return this.#answers.discover(exchange, this.#view(exchange));
  }

  target(exchange: Exchange, message: RequestMessage): string {
    return targetOf(this.#desk, this.#request(exchange, message));
  }

  readmit(exchange: Exchange, message: RequestMessage, waiting: Exchange): Readmission {
    return readmit(this.#desk, this.audit, this.#request(exchange, message), waiting);
  }

  paramHeaders(exchange: Exchange, tool: string): ReadonlyMap<string, ParamHeader> | undefined {
    const view = this.#view(exchange);
    const item = view.tool(tool);
    return item && view.paramHeaders(item);
  }

  listen(exchange: Exchange, wish: ListenWish, deliver: (notification: OutboundNotification) => void): Listening {
    return this.#listeners.open(exchange, wish, deliver);
  }

  closeSession(session: ClientSession): void {
    this.#states.close(session.id);
    this.upstreams.releaseClient(session.id);
  }

  #policies(): PolicyChain | undefined {
    const limits = () => {
      const { policy, json_depth: depth, json_nodes: nodes } = this.serverConfig.current.limits;
      return { patience: policy, json: { depth, nodes, uniqueKeys: true } };
    };
    return PolicyChain.of(this.extensions.all(CallPolicy), limits, this.log);
  }

  #request(exchange: Exchange, message: RequestMessage): Request {
    return { exchange, message, view: this.#view(exchange), verdict: new Verdict(), permit: undefined };
  }

  #view(caller: Caller & { readonly session?: ClientSession }): View {
    return this.catalogue.view(this.#viewRequests.of(caller));
  }

  /** A session or stream that has been open for long, in the terms of today's configuration. */
  #asOfNow(session: Caller): Caller {
    const { endpoint, principal, client } = session;
    const name =
      endpoint.kind === 'server' ? endpoint.server : endpoint.kind === 'toolset' ? endpoint.toolset : undefined;
    return { principal, client, endpoint: this.endpoint(name) ?? endpoint, spelling: this.spelling(client.name) };
  }

  /** Catalogue and subscribers follow what upstreams say. */
  #bind(): void {
    const { events } = this.upstreams;
    events.on('listed', (listing) => this.catalogue.publish(listing));
    events.on('withdrawn', ({ server }) => this.catalogue.withdraw(server));
    events.on('listedFor', ({ owner, listing }) => this.catalogue.publishFor(owner, listing));
    events.on('withdrawnFor', ({ server, owner }) => this.catalogue.withdrawFor(server, owner));
    events.on('resourceUpdated', (event) => {
      this.#reads.forget(event.server);
      this.#hub.resourceUpdated(event);
      this.#listeners.resourceUpdated(event);
    });
    events.on('limited', ({ key }) => this.#desk.metrics.limited(key, ''));
    events.on('asked', (event) => this.#hub.asked(event));
    events.on('logged', (event) => this.#hub.logged(event));
    events.on('elicitationCompleted', (event) => this.#hub.elicitationCompleted(event));
    this.catalogue.changes.on('limited', ({ key }) => this.#desk.metrics.limited(key, ''));
    this.catalogue.changes.on('changed', ({ kinds, servers }) => {
      for (const server of servers) this.#reads.forget(server);
      this.#hub.catalogueChanged(kinds);
      this.#listeners.catalogueChanged(kinds);
    });
  }

  async #apply(): Promise<void> {
    const server = this.serverConfig.current;
    const anew = this.catalogue.configure(catalogueSettings(this.proxyConfig.current, server));
    if (anew) for (const { listing } of this.upstreams.all()) if (listing) this.catalogue.publish(listing);
    // Other spellings of names change lists without the catalogue changing.
    this.#hub.catalogueChanged(LIST_KINDS);
    this.#listeners.catalogueChanged(LIST_KINDS);
    await this.upstreams.apply(this.proxyConfig.current, {
      sharedAnonymous: isLoopbackHost(server.host),
      isListening: (client) => this.#hub.has(client),
      version: this.options.version,
      shutdownTimeout: server.shutdown.timeout,
    });
    this.#waits.expect(this.upstreams.all());
  }

  #applyFailed(thrown: unknown): void {
    this.log.error({ err: thrown }, 'the new proxy configuration could not be applied; some servers may be stale');
  }
}

type Caller = Pick<ClientSession, 'principal' | 'endpoint' | 'spelling' | 'client'>;
