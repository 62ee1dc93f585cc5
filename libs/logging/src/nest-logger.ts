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

/** Where Nest reports every module and route of a start: for those who look for a defect in the wiring. */
const WIRING = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestApplication']);

class QuietLogger extends Logger {
  override log(message: unknown, ...rest: unknown[]): void {
    if (WIRING.has(String(rest.at(-1)))) this.debug(message, ...rest);
    else super.log(message, ...rest);
  }
}

/** What Nest itself logs through. */
export function nestLogger(logger: GatewayLogger): LoggerService {
  return new QuietLogger(new OwnPinoLogger(logger), {});
}
