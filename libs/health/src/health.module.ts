import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { DetailGuard } from './detail-guard.js';
import { HealthController } from './health.controller.js';
import { Readiness } from './readiness.js';

/** `/live` and `/ready`. `imports` bring the StatusSource and GatewayLog ports; needs MetricsConfigRef globally. */
@Module({})
export class HealthModule {
  static register(imports: ModuleMetadata['imports'] = []): DynamicModule {
    return {
      module: HealthModule,
      imports: [...imports, TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController],
      providers: [Readiness, DetailGuard],
      exports: [Readiness],
    };
  }
}
