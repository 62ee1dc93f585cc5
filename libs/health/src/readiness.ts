import { Injectable } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import { GatewayLog, StatusSource, type UpstreamStatus } from '#libs/plugin';

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

  /** True when the configuration is applied, every `required` upstream serves, and the gateway is not draining. */
  async ready(): Promise<boolean> {
    try {
      await this.checks.check([() => this.#configuration(), () => this.#traffic(), () => this.#required()]);
      this.#say('');
      return true;
    } catch (thrown) {
      this.#say(reasonOf(thrown));
      return false;
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

/** The messages of the indicators that are down, from what terminus throws. */
function reasonOf(thrown: unknown): string {
  const response = (thrown as { getResponse?: () => unknown }).getResponse?.();
  const failed = (response as { error?: Record<string, { message?: string }> } | undefined)?.error ?? {};
  const reasons = Object.values(failed).flatMap(({ message }) => message ?? []);
  return reasons.join('; ') || String(thrown);
}
