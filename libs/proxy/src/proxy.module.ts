import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { CatalogueModule } from '#libs/catalogue';
import { PluginModule, StatusSource } from '#libs/plugin';
import { RateLimitModule } from '#libs/ratelimit';
import { UpstreamModule } from '#libs/upstream';
import { McpProxy } from './contract.js';
import { GatewayStatus } from './gateway-status.js';
import { ProxyOptions } from './options.js';
import { ProxyService } from './proxy.service.js';

/** Views, routing, subscriptions. `imports` bring the ports it binds: permissions, metrics, logging, configuration. */
@Module({})
export class ProxyModule {
  static register(options: ProxyOptions, imports: ModuleMetadata['imports'] = []): DynamicModule {
    return {
      module: ProxyModule,
      imports: [...imports, PluginModule, CatalogueModule, RateLimitModule, UpstreamModule],
      providers: [
        { provide: ProxyOptions, useValue: options },
        ProxyService,
        { provide: McpProxy, useExisting: ProxyService },
        GatewayStatus,
        { provide: StatusSource, useExisting: GatewayStatus },
      ],
      exports: [McpProxy, StatusSource, GatewayStatus, CatalogueModule, UpstreamModule],
    };
  }
}
