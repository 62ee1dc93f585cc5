/**
 * For the Fastify adapter's constructor: set later, these do not bite. Milliseconds and bytes. A request, body included,
 * has to arrive within `requestTimeout`; answers and streams may take as long as they like.
 */
export const HTTP_SERVER_OPTIONS = {
  requestTimeout: 30_000,
  keepAliveTimeout: 72_000,
  maxRequestsPerSocket: 1_000,
  http: {
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: 16 * 1024,
  },
} as const;
