import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { ConfigModule as NestConfigModule } from '@nestjs/config';
import { LiveConfig } from './live-config.js';
import type { ConfigRef } from './ref.js';

/**
 * Makes the configuration injectable everywhere: `LiveConfig` and one ref per section. It is loaded before Nest starts,
 * so that a bad file is reported without a half-built application.
 */
@Module({})
export class ConfigModule {
  static forRoot(live: LiveConfig): DynamicModule {
    const refs: ConfigRef<unknown>[] = [live.gateway, ...Object.values(live.sections)];
    const providers: Provider[] = [
      { provide: LiveConfig, useValue: live },
      ...refs.map((ref) => ({ provide: ref.constructor, useValue: ref })),
    ];
    const nest = NestConfigModule.forRoot({
      load: [() => ({ gateway: live.current })],
      ignoreEnvFile: true,
      skipProcessEnv: true,
    });
    return {
      module: ConfigModule,
      global: true,
      imports: [nest],
      providers,
      exports: [...providers, NestConfigModule],
    };
  }
}
