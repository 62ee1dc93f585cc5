import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Global, Module } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AuthChain } from '#libs/auth';
import {
  ApiKeysConfigRef,
  GatewayConfig,
  GatewayConfigRef,
  OauthConfig,
  OauthConfigRef,
  ProxyConfig,
  ProxyConfigRef,
  RateLimitConfigRef,
  ServerConfig,
  ServerConfigRef,
} from '#libs/config';
import { EgressClient, EgressGuard } from '#libs/egress';
import { AuditTrail, type Authenticator, CallMetrics, GatewayLog, Public } from '#libs/plugin';
import { McpProxy } from '#libs/proxy';
import { DownstreamModule, DownstreamStats, Drain, httpServerOptions, installBodyPassthrough } from '../index.js';
import { Clock } from '../streams/clock.js';
import { FakeProxy } from './fake-proxy.js';
import { RecordedMetrics } from './recorded-metrics.js';

export interface LogLine {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

export interface TestGatewayOptions {
  readonly server?: (config: ServerConfig) => void;
  readonly proxy?: (config: ProxyConfig) => void;
  readonly oauth?: (config: OauthConfig) => void;
  readonly providers?: readonly Authenticator[];
  readonly audit?: AuditTrail;
  readonly clock?: Clock;
}

@Controller()
class OtherRoutes {
  @Get('live')
  @Public()
  live() {
    return { status: 'ok' };
  }

  @Get('private')
  private() {
    return { secret: true };
  }

  @Get('broken')
  @Public()
  broken() {
    throw new Error('a secret about the inside');
  }
}

/** The front door as a real application on a real socket, with a stand-in behind it. */
export class TestGateway {
  readonly url: string;

  private constructor(
    readonly app: NestFastifyApplication,
    readonly proxy: FakeProxy,
    readonly server: ServerConfigRef,
    readonly proxyConfig: ProxyConfigRef,
    readonly oauth: OauthConfigRef,
    readonly apiKeys: ApiKeysConfigRef,
    readonly log: LogLine[],
  ) {
    this.url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  }

  static async start(options: TestGatewayOptions = {}): Promise<TestGateway> {
    const proxy = new FakeProxy();
    const metrics = new RecordedMetrics();
    const log: LogLine[] = [];
    const config = new ServerConfig();
    options.server?.(config);
    const server = new ServerConfigRef(config);
    const proxySection = new ProxyConfig();
    options.proxy?.(proxySection);
    const proxyConfig = new ProxyConfigRef(proxySection);
    const oauthSection = new OauthConfig();
    options.oauth?.(oauthSection);
    const oauth = new OauthConfigRef(oauthSection);
    const apiKeys = new ApiKeysConfigRef([]);
    @Global()
    @Module({
      controllers: [OtherRoutes],
      providers: [
        { provide: GatewayConfigRef, useValue: new GatewayConfigRef(new GatewayConfig()) },
        { provide: EgressClient, useValue: new EgressClient(new EgressGuard()) },
        { provide: ServerConfigRef, useValue: server },
        { provide: ProxyConfigRef, useValue: proxyConfig },
        { provide: OauthConfigRef, useValue: oauth },
        { provide: ApiKeysConfigRef, useValue: apiKeys },
        { provide: RateLimitConfigRef, useValue: new RateLimitConfigRef([]) },
        { provide: GatewayLog, useValue: recording(log) },
        { provide: McpProxy, useValue: proxy },
        { provide: CallMetrics, useValue: metrics },
        { provide: AuditTrail, useValue: options.audit ?? { enabled: false, record() {} } },
      ],
      exports: [
        GatewayConfigRef,
        OauthConfigRef,
        ApiKeysConfigRef,
        EgressClient,
        ServerConfigRef,
        ProxyConfigRef,
        RateLimitConfigRef,
        GatewayLog,
        McpProxy,
        CallMetrics,
        AuditTrail,
      ],
    })
    class Neighbours {}
    let builder = Test.createTestingModule({ imports: [DownstreamModule.register([Neighbours])] });
    if (options.providers) builder = builder.overrideProvider(AuthChain).useValue(new AuthChain(options.providers));
    if (options.clock) builder = builder.overrideProvider(Clock).useValue(options.clock);
    const module = await builder.compile();
    const adapter = new FastifyAdapter({ ...httpServerOptions(config.limits), forceCloseConnections: true });
    const app = module.createNestApplication<NestFastifyApplication>(adapter, { bodyParser: false, logger: false });
    installBodyPassthrough(adapter.getInstance(), () => server.current.limits);
    await app.listen(0, '127.0.0.1');
    return new TestGateway(app, proxy, server, proxyConfig, oauth, apiKeys, log);
  }

  /** Keys of limits that were reached, once for each time. */
  get reached(): readonly string[] {
    return this.app.get<CallMetrics, RecordedMetrics>(CallMetrics, { strict: false }).reached;
  }

  get stats(): DownstreamStats {
    return this.app.get(DownstreamStats, { strict: false });
  }

  get drain(): Drain {
    return this.app.get(Drain, { strict: false });
  }

  close(): Promise<void> {
    return this.app.close();
  }
}

function recording(lines: LogLine[]): GatewayLog {
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
