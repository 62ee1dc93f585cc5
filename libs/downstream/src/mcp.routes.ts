import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Public } from '#libs/plugin';
import { FrontDoor } from './front-door.js';
import { answerPreflight } from './http/cors.js';
import { GuardedRoutes } from './http/guarded-routes.js';

/** The MCP endpoints: the one place where their guards have spoken and nothing of their bodies is read. */
@Injectable()
export class McpRoutes implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly routes: GuardedRoutes,
    private readonly door: FrontDoor,
  ) {}

  onModuleInit(): void {
    this.routes.add(this.host.httpAdapter.getInstance(), {
      path: '/mcp',
      owner: this,
      methods: { OPTIONS: this.options, POST: this.post, GET: this.get, DELETE: this.delete },
    });
  }

  /** Preflights carry no credentials; host and origin are checked all the same. */
  @Public({ anyHost: false })
  options(request: IncomingMessage, response: ServerResponse): void {
    answerPreflight(request, response);
  }

  post(request: IncomingMessage, response: ServerResponse, name: string | undefined): void {
    this.door.post(request, response, name);
  }

  get(request: IncomingMessage, response: ServerResponse, name: string | undefined): void {
    this.door.get(request, response, name);
  }

  delete(request: IncomingMessage, response: ServerResponse, name: string | undefined): void {
    this.door.delete(request, response, name);
  }
}
