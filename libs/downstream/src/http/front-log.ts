import { Inject, Injectable, Optional } from '@nestjs/common';
import type { ClientHop, GatewayError } from '#libs/kernel';
import { CallMetrics, GatewayLog } from '#libs/plugin';

/** What the front door reports of requests it refuses: one line at the level the catalogue gives, and a count. */
@Injectable()
export class FrontLog {
  constructor(
    private readonly log: GatewayLog,
    @Optional() @Inject(CallMetrics) private readonly metrics?: CallMetrics,
  ) {}

  /** A request that is handed on. */
  began({ era, version }: ClientHop): void {
    this.metrics?.requested(era, version);
  }

  /** A request the front door itself refused. */
  failed(error: GatewayError, requestId: string): void {
    this.metrics?.refused(error.entry.reason);
    this.answered(error, requestId);
  }

  /** A request that failed further inside, where it is counted. */
  answered(error: GatewayError, requestId: string, method?: string): void {
    const fields = { requestId, code: error.code, ...(method !== undefined && { method: method.slice(0, 100) }) };
    this.log[error.entry.level]({ ...fields, ...(error.cause !== undefined && { err: error.cause }) }, error.message);
  }
}
