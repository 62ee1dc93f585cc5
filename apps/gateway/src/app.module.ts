import { type DynamicModule, Global, Module } from '@nestjs/common';
import { AuditModule, type AuditOptions } from '#libs/audit';
import { ConfigModule, type LiveConfig } from '#libs/config';
import { DownstreamModule } from '#libs/downstream';
import { HealthModule } from '#libs/health';
import { type GatewayLogger, LoggingModule } from '#libs/logging';
import { MetricsModule } from '#libs/metrics';
import { PermissionModule } from '#libs/permission';
import type { PluginModuleRef } from '#libs/plugin';
import { ProxyModule, ProxyOptions } from '#libs/proxy';
import { ChildEnvironment, TransportsModule } from '#libs/upstream';
import { DemoModule } from './demo/demo.module.js';
import { EgressModule } from './egress.module.js';
import { VERSION } from './version.js';

export interface AppModuleOptions {
  readonly live: LiveConfig;
  readonly logger: GatewayLogger;
  readonly plugins: readonly PluginModuleRef[];
  readonly processMetrics: boolean;
  readonly audit: AuditOptions;
}

function childEnvironment(): ChildEnvironment {
  const { PATH, HOME } = process.env;
  return ChildEnvironment.of({ PATH, HOME });
}

/** The one place that tells children about the gateway's own environment. */
@Global()
@Module({
  providers: [{ provide: ChildEnvironment, useFactory: childEnvironment }],
  exports: [ChildEnvironment],
})
class EnvironmentModule {}

/** Every room in its place. Which rooms there are is decided here and nowhere else. */
@Module({})
export class AppModule {
  static register({ live, logger, plugins, processMetrics, audit }: AppModuleOptions): DynamicModule {
    const config = live.sections.metrics;
    const proxy = ProxyModule.register(new ProxyOptions(VERSION));
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(live),
        LoggingModule.forRoot(logger),
        MetricsModule.forRoot({ config, version: VERSION, processMetrics }),
        AuditModule.forRoot(audit),
        { module: PermissionModule, global: true },
        EnvironmentModule,
        EgressModule,
        TransportsModule,
        proxy,
        HealthModule.register([proxy]),
        DownstreamModule.register([proxy]),
        DemoModule,
        ...plugins,
      ],
    };
  }
}
