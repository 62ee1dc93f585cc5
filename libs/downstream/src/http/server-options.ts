import type { LimitsConfig } from '#libs/config';
import { answerBrokenRequest, answerUnroutable } from './broken-request.js';

/** Milliseconds between two looks at what is late. */
const CHECK = 1_000;
/**
 * Milliseconds after which clients are told to give up an idle connection, as most do by themselves. While a gateway
 * drains (`server.shutdown.drain`) they have done so, and none sends a request on a connection that is just closed.
 * Balancers, which hold connections for longer and do not read this, find them open for all of `keep_alive`.
 */
const GIVE_UP = 5_000;

/**
 * For the Fastify adapter's constructor: set later, these do not bite. A request, body included, has to arrive within
 * `request_timeout`; answers and streams may take as long as they like.
 */
export function httpServerOptions(limits: LimitsConfig) {
  const { headers_timeout, request_timeout, keep_alive, header_size, requests_per_connection } = limits;
  const keepAliveTimeout = Math.min(keep_alive, GIVE_UP);
  return {
    requestTimeout: request_timeout,
    keepAliveTimeout,
    maxRequestsPerSocket: requests_per_connection,
    // What comes while the server closes is refused by the front door, in words of its own.
    return503OnClosing: false,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: answerUnroutable,
    http: {
      keepAliveTimeoutBuffer: keep_alive - keepAliveTimeout,
      // Node swaps the two when the whole has less time than its head.
      headersTimeout: Math.min(headers_timeout, request_timeout),
      requestTimeout: request_timeout,
      connectionsCheckingInterval: Math.min(CHECK, headers_timeout, request_timeout),
      maxHeaderSize: header_size,
    },
  };
}
