import type { FastifyInstance } from 'fastify';
import { GatewayError } from '#libs/kernel';
import { correlate } from './correlation.js';

/** Characters of path and query. Nothing the gateway serves needs a tenth of it. */
const MAX_TARGET = 4 * 1024;

/**
 * Prepares the adapter's Fastify instance. No content type is parsed: bodies stay unread streams until guards have
 * let the request in. Every response, of whatever route, carries X-Request-Id; overlong URLs are refused everywhere.
 * Call it on `adapter.getInstance()` of an application created with `bodyParser: false`, before `listen`.
 */
export function installBodyPassthrough(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  fastify.addHook('onRequest', (request, reply, done) => {
    correlate(request.raw, reply.raw);
    if ((request.raw.url?.length ?? 0) <= MAX_TARGET) done();
    else done(new GatewayError('URI_TOO_LONG', `Path and query are longer than ${MAX_TARGET} characters`));
  });
}
