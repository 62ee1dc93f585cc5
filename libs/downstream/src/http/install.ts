import type { FastifyInstance } from 'fastify';
import { correlate } from './correlation.js';

/**
 * Prepares the adapter's Fastify instance. No content type is parsed: bodies stay unread streams until guards have
 * let the request in. Every response, of whatever route, carries X-Request-Id.
 * Call it on `adapter.getInstance()` of an application created with `bodyParser: false`, before `listen`.
 */
export function installBodyPassthrough(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  fastify.addHook('onRequest', (request, reply, done) => {
    correlate(request.raw, reply.raw);
    done();
  });
}
