import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '#libs/plugin';
import { FrontDoor } from './front-door.js';
import { answerPreflight } from './http/cors.js';
import { GuardedRoutes } from './http/guarded-routes.js';

const URLS = ['/mcp', '/mcp/:name'];

/** The MCP endpoints: the one place where their guards have spoken and nothing of their bodies is read. */
@Injectable()
export class McpRoutes implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly routes: GuardedRoutes,
    private readonly door: FrontDoor,
  ) {}

  onModuleInit(): void {
    const fastify: FastifyInstance = this.host.httpAdapter.getInstance();
    for (const url of URLS) {
      this.routes.add(fastify, { method: 'OPTIONS', url, owner: this, handler: this.options });
      this.routes.add(fastify, { method: 'POST', url, owner: this, handler: this.post });
      this.routes.add(fastify, { method: 'GET', url, owner: this, handler: this.get });
      this.routes.add(fastify, { method: 'DELETE', url, owner: this, handler: this.delete });
    }
  }

  /** Preflights carry no credentials; host and origin are checked all the same. */
  @Public({ anyHost: false })
  options(request: FastifyRequest, reply: FastifyReply): void {
    answerPreflight(request.raw, reply.raw);
  }

  post(request: FastifyRequest, reply: FastifyReply): void {
    this.door.post(request.raw, reply.raw, nameIn(request));
  }

  get(request: FastifyRequest, reply: FastifyReply): void {
    this.door.get(request.raw, reply.raw, nameIn(request));
  }

  delete(request: FastifyRequest, reply: FastifyReply): void {
    this.door.delete(request.raw, reply.raw, nameIn(request));
  }
}

function nameIn(request: FastifyRequest): string | undefined {
  return (request.params as { readonly name?: string }).name;
}
