import { Controller, Delete, Get, Options, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '#libs/plugin';
import { FrontDoor } from './front-door.js';
import { answerPreflight } from './http/cors.js';

type Request = FastifyRequest<{ Params: { name?: string } }>;

/** The MCP endpoints. The reply is taken from Fastify at once: nothing of Nest's pipeline runs behind the guards. */
@Controller(['mcp', 'mcp/:name'])
export class McpController {
  constructor(private readonly door: FrontDoor) {}

  /** Preflights carry no credentials; host and origin are checked all the same. */
  @Options()
  @Public({ anyHost: false })
  options(@Req() request: Request, @Res() reply: FastifyReply): void {
    reply.hijack();
    answerPreflight(request.raw, reply.raw);
  }

  @Post()
  post(@Req() request: Request, @Res() reply: FastifyReply): Promise<void> {
    reply.hijack();
    return this.door.post(request.raw, reply.raw, request.params.name);
  }

  @Get()
  get(@Req() request: Request, @Res() reply: FastifyReply): void {
    reply.hijack();
    this.door.get(request.raw, reply.raw, request.params.name);
  }

  @Delete()
  delete(@Req() request: Request, @Res() reply: FastifyReply): void {
    reply.hijack();
    this.door.delete(request.raw, reply.raw, request.params.name);
  }
}
