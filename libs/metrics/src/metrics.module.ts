import { type DynamicModule, Global, Module } from '@nestjs/common';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import type { MetricsConfigRef } from '#libs/config';
import { CallMetrics } from '#libs/plugin';
import { GatewayMetrics } from './gateway-metrics.js';
import { metricsController } from './metrics.controller.js';
import { MetricsListener } from './metrics-listener.js';

export interface MetricsModuleOptions {
  readonly config: MetricsConfigRef;
  readonly version: string;
  /** Memory, CPU and event loop of the process as well. Once per process: what collects them cannot be stopped. */
  readonly processMetrics?: boolean;
}

/** Counts, gauges and the `/metrics` route; binds the CallMetrics port. Needs MetricsConfigRef and GatewayLog globally. */
@Global()
@Module({})
export class MetricsModule {
  static forRoot(options: MetricsModuleOptions): DynamicModule {
    const metrics = new GatewayMetrics(options.version, options.config.current.max_series);
    return {
      module: MetricsModule,
      imports: [
        {
          module: MetricsValues,
          global: true,
          providers: [
            { provide: GatewayMetrics, useValue: metrics },
            { provide: CallMetrics, useValue: metrics },
          ],
          exports: [GatewayMetrics, CallMetrics],
        },
        PrometheusModule.register({
          path: options.config.current.path,
          controller: metricsController(),
          defaultMetrics: { enabled: options.processMetrics ?? false, config: { register: metrics.registry } },
        }),
      ],
      providers: [MetricsListener],
      exports: [MetricsListener],
    };
  }
}

/** Where the Prometheus module's own controller finds what it serves. */
@Module({})
class MetricsValues {}
