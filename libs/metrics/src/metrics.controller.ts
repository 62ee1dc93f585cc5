import { Controller, Get, Headers, Res, type Type } from '@nestjs/common';
import { PrometheusController } from '@willsoto/nestjs-prometheus';
import type { FastifyReply } from 'fastify';
import { MetricsConfigRef } from '#libs/config';
import { Public } from '#libs/plugin';
import { answerScrape } from './answer.js';
import { GatewayMetrics } from './gateway-metrics.js';

/**
 * A controller class of its own per gateway: the Prometheus module writes the path onto the class, and two gateways in
 * one process may have different paths.
 */
export function metricsController(): Type<unknown> {
  @Public()
  @Controller()
  class MetricsController extends PrometheusController {
    constructor(
      private readonly metrics: GatewayMetrics,
      private readonly config: MetricsConfigRef,
    ) {
      super();
    }

    @Get()
    override async index(
      @Res() reply: FastifyReply,
      @Headers('authorization') authorization?: string,
    ): Promise<string> {
      const config = this.config.current;
      if (!config.enabled || config.listen !== null) {
        return reply.code(404).type('text/plain').send('Not found\n') as unknown as string;
      }
      const { status, headers, body } = await answerScrape(this.metrics, config, authorization);
      return reply.code(status).headers(headers).send(body) as unknown as string;
    }
  }
  return MetricsController;
}
