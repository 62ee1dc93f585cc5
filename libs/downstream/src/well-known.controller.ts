import type { ServerResponse } from 'node:http';
import { All, Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { METADATA_PATH, type ResourceMetadata, ResourceServer } from '#libs/auth';
import { Public } from '#libs/plugin';
import { sendEmpty, sendJson } from './http/answers.js';

const METHODS = 'GET, HEAD, OPTIONS';
const KEEP = { 'cache-control': 'public, max-age=300' };
/**
 * `/mcp` or `/mcp/<name>`, whatever could be the name of a server or toolset; nothing at all is the document for the
 * gateway as a whole.
 */
const ENDPOINT = /^(?:\/mcp(?:\/[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?)?)?$/;

/**
 * Protected-resource metadata (RFC 9728) for the gateway and for each of its endpoints, and 404 in JSON for everything
 * else clients look for here. Nothing of it is secret, so any page may read it.
 */
@Controller('.well-known')
@Public({ anyHost: false })
export class WellKnownController {
  constructor(private readonly resource: ResourceServer) {}

  @All('*')
  answer(@Req() { raw: request }: FastifyRequest, @Res() reply: FastifyReply): void {
    reply.hijack();
    const response = reply.raw;
    response.setHeader('access-control-allow-origin', '*');
    const metadata = this.#find(request.url ?? '');
    if (!metadata) send(response, 404, { error: 'not_found', error_description: 'There is no such document' });
    else if (request.method === 'OPTIONS') allow(response);
    else if (request.method === 'GET' || request.method === 'HEAD') send(response, 200, metadata, KEEP);
    else {
      const refusal = { error: 'method_not_allowed', error_description: 'This document can only be read' };
      send(response, 405, refusal, { allow: METHODS });
    }
  }

  /** Which servers there are is nothing for strangers: an endpoint that does not exist has the document of one that does. */
  #find(target: string): ResourceMetadata | undefined {
    const path = target.replace(/^https?:\/\/[^/?#]*/i, '').split('?', 1)[0] ?? '';
    if (!path.startsWith(METADATA_PATH)) return undefined;
    const asked = withoutPrefix(path.slice(METADATA_PATH.length), this.resource.urls.prefix);
    if (!ENDPOINT.test(asked)) return undefined;
    return this.resource.metadata(asked === '' ? undefined : asked);
  }
}

/** Clients that follow RFC 9728 by themselves append the path of `server.url`, too. */
function withoutPrefix(path: string, prefix: string): string {
  return prefix !== '' && (path === prefix || path.startsWith(`${prefix}/`)) ? path.slice(prefix.length) : path;
}

/** Clients send headers of MCP here that make browsers ask first. */
function allow(response: ServerResponse): void {
  sendEmpty(response, 204, {
    allow: METHODS,
    'access-control-allow-methods': METHODS,
    'access-control-allow-headers': '*',
    'access-control-max-age': '600',
  });
}

function send(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  sendJson(response, status, Buffer.from(JSON.stringify(body)), headers);
}
