import type { FastifyInstance } from 'fastify';
import type { LimitsConfig } from '#libs/config';
import { GatewayError } from '#libs/kernel';
import { correlate } from './correlation.js';

/**
 * Prepares the adapter's Fastify instance. No content type is parsed: bodies stay unread streams until guards have
 * let the request in. Every response, of whatever route, carries X-Request-Id; overlong URLs are refused everywhere.
 * Call it on `adapter.getInstance()` of an application created with `bodyParser: false`, before `listen`.
 */
export function installBodyPassthrough(fastify: FastifyInstance, limits: () => Pick<LimitsConfig, 'url'>): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  fastify.addHook('onRequest', (request, reply, done) => {
    correlate(request.raw, reply.raw);
    const { url } = limits();
    done((request.raw.url?.length ?? 0) <= url ? undefined : tooLong(url));
  });
}

function tooLong(limit: number): GatewayError {
  return new GatewayError('URI_TOO_LONG', `Path and query are longer than ${limit} characters (server.limits.url)`, {
    data: { limit, key: 'server.limits.url' },
  });
}
