import { Injectable } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import { GatewayLog, StatusSource, type UpstreamStatus } from '#libs/plugin';
import { type Check, reasonOf, type Verdict } from './report.js';

/** Decides whether this gateway should get traffic. */
@Injectable()
export class Readiness {
  #lastReason = '';

  constructor(
    private readonly checks: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly status: StatusSource,
    private readonly log: GatewayLog,
  ) {}

  /** Ready when the configuration is applied, every `required` upstream serves, and the gateway is not draining. */
  async verdict(): Promise<Verdict> {
    const verdict = await this.#judge();
    this.#say(verdict.ready ? '' : reasonOf(verdict.checks));
    return verdict;
  }

  async #judge(): Promise<Verdict> {
    try {
      const all = [() => this.#configuration(), () => this.#traffic(), () => this.#required()];
      const { details } = await this.checks.check(all);
      return { ready: true, checks: details as Verdict['checks'] };
    } catch (thrown) {
      return { ready: false, checks: checksOf(thrown) };
    }
  }

  #configuration() {
    const check = this.indicators.check('configuration');
    return this.status.started() ? check.up() : check.down('the configuration is not applied yet');
  }

  #traffic() {
    const check = this.indicators.check('traffic');
    return this.status.draining() ? check.down('the gateway is shutting down') : check.up();
  }

  #required() {
    const check = this.indicators.check('upstreams');
    const missing = this.status.upstreams().filter((upstream) => upstream.required && !serves(upstream));
    if (missing.length === 0) return check.up();
    return check.down(
      missing.map(({ name, state, reason }) => `${name} is ${state}${reason ? `: ${reason}` : ''}`).join('; '),
    );
  }

  /** The log has the reason, once per change; the public answer has none. */
  #say(reason: string): void {
    if (reason === this.#lastReason) return;
    this.#lastReason = reason;
    if (reason === '') this.log.info({}, 'ready');
    else this.log.warn({ reason }, `not ready: ${reason}`);
  }
}

function serves({ state }: UpstreamStatus): boolean {
  return state === 'ready' || state === 'degraded' || state === 'disabled';
}

/** All indicators, from what terminus throws when one of them is down. */
function checksOf(thrown: unknown): Verdict['checks'] {
  const response = (thrown as { getResponse?: () => unknown }).getResponse?.();
  const details = (response as { details?: Record<string, Check> } | undefined)?.details;
  return details ?? { checks: { status: 'down', message: String(thrown) } };
}
