import type { FastifyInstance, RouteOptions } from 'fastify';
import type { LimitsConfig } from '#libs/config';
import { GatewayError } from '#libs/kernel';
import { correlationOf } from './correlation.js';

type OnRequest = Extract<NonNullable<RouteOptions['onRequest']>, (...args: never[]) => unknown>;

/** The endpoints that take messages, as Nest registers them. */
const MCP_ROUTE = /^\/mcp(?:\/:name)?$/;

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
  fastify.addHook('onRoute', (route) => {
    route.onRequest = takesMessages(route) ? serveAtOnce(fastify, route.handler) : announceId;
  });
}

function takesMessages({ method, url }: RouteOptions): boolean {
  return method === 'POST' && MCP_ROUTE.test(url);
}

/**
 * Serves a route, guards first, before Fastify looks for a parser of its body, which there is none for: that look would
 * cost a call more than its routing. Whatever answers it writes its own head.
 */
function serveAtOnce(fastify: FastifyInstance, handler: RouteOptions['handler']): OnRequest {
  return (request, reply, done) => {
    Promise.resolve(handler.call(fastify, request, reply)).catch(done);
  };
}

/** Answers that somebody else writes the head of carry the id as well. */
const announceId: OnRequest = (request, reply, done) => {
  reply.raw.setHeader('x-request-id', correlationOf(request.raw));
  done();
};

function tooLong(url: number): GatewayError {
  return new GatewayError('URI_TOO_LONG', `Path and query are longer than ${url} characters (server.limits.url)`, {
    data: { limit: url, key: 'server.limits.url' },
  });
}
