import type { IncomingMessage, Server } from 'node:http';
import type { GatewayLogger } from './logger.js';

/**
 * One line per finished request at debug, with its correlation id. While debug is off a request costs one comparison.
 * Paths are logged without their query, which may carry what nobody should have put there.
 */
export function logRequests(server: Server, logger: GatewayLogger, idOf: (request: IncomingMessage) => string): void {
  server.on('request', (request, response) => {
    if (!logger.isLevelEnabled('debug')) return;
    const started = performance.now();
    response.once('close', () => {
      logger.debug(
        {
          requestId: idOf(request),
          method: request.method,
          path: request.url?.split('?', 1)[0]?.slice(0, 200),
          protocol: String(request.headers['mcp-protocol-version'] ?? '').slice(0, 32) || undefined,
          status: response.statusCode,
          milliseconds: Math.round(performance.now() - started),
          complete: response.writableFinished,
        },
        'Request finished',
      );
    });
  });
}
