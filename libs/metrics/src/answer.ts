import type { MetricsConfig } from '#libs/config';
import { isBearer } from '#libs/kernel';
import type { GatewayMetrics } from './gateway-metrics.js';

export interface MetricsAnswer {
  readonly status: 200 | 401;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The one answer to a scrape, wherever it came in. */
export async function answerScrape(
  metrics: GatewayMetrics,
  config: MetricsConfig,
  authorization: string | undefined,
): Promise<MetricsAnswer> {
  if (config.token !== null && !isBearer(authorization, config.token.reveal())) {
    return {
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="metrics"', 'content-type': 'text/plain; charset=utf-8' },
      body: 'The metrics need the bearer token that is configured as metrics.token\n',
    };
  }
  return {
    status: 200,
    headers: { 'content-type': metrics.registry.contentType, 'cache-control': 'no-store' },
    body: await metrics.registry.metrics(),
  };
}
