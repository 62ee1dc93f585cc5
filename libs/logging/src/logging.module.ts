import { type DynamicModule, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import type { GatewayLogger } from './logger.js';

/**
 * Makes nestjs-pino's injectable loggers available to plug-ins, on the gateway's own logger. No request middleware:
 * the MCP routes must not pay for a child logger and an async context per request.
 */
@Module({})
export class LoggingModule {
  static forRoot(logger: GatewayLogger): DynamicModule {
    return {
      module: LoggingModule,
      imports: [LoggerModule.forRoot({ pinoHttp: { logger, autoLogging: false }, forRoutes: [] })],
    };
  }
}
