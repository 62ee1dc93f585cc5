import type { LimitsConfig } from '#libs/config';
import { answerBrokenRequest, answerUnroutable } from './broken-request.js';

/** Milliseconds between two looks at what is late. */
const CHECK = 1_000;

/**
 * For the Fastify adapter's constructor: set later, these do not bite. A request, body included, has to arrive within
 * `request_timeout`; answers and streams may take as long as they like.
 */
export function httpServerOptions(limits: LimitsConfig) {
  const { headers_timeout, request_timeout, keep_alive, header_size, requests_per_connection } = limits;
  return {
    requestTimeout: request_timeout,
    keepAliveTimeout: keep_alive,
    maxRequestsPerSocket: requests_per_connection,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: answerUnroutable,
    http: {
      // Node swaps the two when the whole has less time than its head.
      headersTimeout: Math.min(headers_timeout, request_timeout),
      requestTimeout: request_timeout,
      connectionsCheckingInterval: Math.min(CHECK, headers_timeout, request_timeout),
      maxHeaderSize: header_size,
    },
  };
}
