import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public, StatusSource } from '#libs/plugin';
import { DetailGuard } from './detail-guard.js';
import { Readiness } from './readiness.js';
import { reportOf } from './report.js';

/** Probes. They are public, so they say ok or not and nothing else; the log says why, and `?verbose` to those who may ask. */
@Public()
@Controller()
export class HealthController {
  constructor(
    private readonly readiness: Readiness,
    private readonly status: StatusSource,
    private readonly guard: DetailGuard,
  ) {}

  /** The process answers. Never depends on upstreams: restarting the gateway mends none of them. */
  @Get('live')
  live(@Res() reply: FastifyReply): void {
    answer(reply, true);
  }

  @Get('ready')
  async ready(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query('verbose') verbose: unknown,
  ): Promise<void> {
    const verdict = await this.readiness.verdict();
    const detailed = isWanted(verbose) && this.guard.allows(request.raw);
    answer(reply, verdict.ready, detailed ? reportOf(verdict, this.status.upstreams()) : undefined);
  }
}

/** `?verbose` and `?verbose=1`, but not `?verbose=false`. */
function isWanted(verbose: unknown): boolean {
  return typeof verbose === 'string' && !/^(?:0|false|no|off)$/i.test(verbose);
}

function answer(reply: FastifyReply, ok: boolean, body: object = { status: ok ? 'ok' : 'error' }): void {
  void reply
    .code(ok ? 200 : 503)
    .header('cache-control', 'no-store')
    .send(body);
}
