import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import type { LimitsConfig } from '#libs/config';
import { GatewayError } from '#libs/kernel';
import { correlationOf } from './correlation.js';

/**
 * Prepares the adapter's Fastify instance. No content type is parsed: bodies stay unread streams until guards have
 * let the request in. Every response, of whatever route, carries X-Request-Id; overlong URLs are refused everywhere.
 * Call it on `adapter.getInstance()` of an application created with `bodyParser: false`, before `listen`.
 */
export function installBodyPassthrough(fastify: FastifyInstance, limits: () => Pick<LimitsConfig, 'url'>): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { url } = limits();
    done((request.raw.url?.length ?? 0) <= url ? undefined : tooLong(url));
  });
  // A route with a hook of its own answers in it, and writes the id into its own head.
  fastify.addHook('onRoute', (route) => {
    route.onRequest ??= announceId;
  });
}

const announceId: onRequestHookHandler = (request, reply, done) => {
  reply.raw.setHeader('x-request-id', correlationOf(request.raw));
  done();
};

function tooLong(url: number): GatewayError {
  return new GatewayError('URI_TOO_LONG', `Path and query are longer than ${url} characters (server.limits.url)`, {
    data: { limit: url, key: 'server.limits.url' },
  });
}
