import { type DynamicModule, Global, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { GatewayLog } from '#libs/plugin';
import type { GatewayLogger } from './logger.js';

/**
 * Binds the gateway's log, and nestjs-pino's injectable loggers on top of it for plug-ins. No request middleware: the
 * MCP routes must not pay for a child logger and an async context per request.
 */
@Global()
@Module({})
export class LoggingModule {
  static forRoot(logger: GatewayLogger): DynamicModule {
    return {
      module: LoggingModule,
      imports: [LoggerModule.forRoot({ pinoHttp: { logger, autoLogging: false }, forRoutes: [] })],
      providers: [{ provide: GatewayLog, useValue: logger }],
      exports: [GatewayLog],
    };
  }
}
