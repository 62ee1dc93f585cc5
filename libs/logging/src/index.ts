export { createLogger, type GatewayLogger, type LoggerOptions } from './logger.js';
export { LoggingModule } from './logging.module.js';
export { nestLogger } from './nest-logger.js';
export { logRequests } from './request-log.js';
export { escapeControls, type LineSink } from './text-format.js';
