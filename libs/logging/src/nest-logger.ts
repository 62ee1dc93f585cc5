import type { LoggerService } from '@nestjs/common';
import { Logger, PinoLogger } from 'nestjs-pino';
import type { GatewayLogger } from './logger.js';

/** nestjs-pino keeps its root logger in a process-wide variable; this one writes to the logger it was given. */
class OwnPinoLogger extends PinoLogger {
  readonly #own: GatewayLogger;

  constructor(own: GatewayLogger) {
    super({ pinoHttp: { logger: own } });
    this.#own = own;
  }

  override get logger(): GatewayLogger {
    return this.#own;
  }
}

/** What Nest itself logs through. */
export function nestLogger(logger: GatewayLogger): LoggerService {
  return new Logger(new OwnPinoLogger(logger), {});
}
