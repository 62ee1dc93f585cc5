import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Public } from '#libs/plugin';
import { Readiness } from './readiness.js';

/** Probes. They are public, so they say ok or not and nothing else; the log says why. */
@Public()
@Controller()
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  /** The process answers. Never depends on upstreams: restarting the gateway mends none of them. */
  @Get('live')
  live(@Res() reply: FastifyReply): void {
    answer(reply, true);
  }

  @Get('ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    answer(reply, await this.readiness.ready());
  }
}

function answer(reply: FastifyReply, ok: boolean): void {
  void reply
    .code(ok ? 200 : 503)
    .header('cache-control', 'no-store')
    .send({ status: ok ? 'ok' : 'error' });
}
