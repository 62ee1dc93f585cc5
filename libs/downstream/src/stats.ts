import { Injectable } from '@nestjs/common';
import { Sessions } from './session/sessions.js';
import { StreamRegistry } from './streams/stream-registry.js';

/** What the front door has open right now, for metrics and the status page. */
@Injectable()
export class DownstreamStats {
  constructor(
    private readonly sessionStore: Sessions,
    private readonly registry: StreamRegistry,
  ) {}

  /** Client sessions this process remembers something of. */
  get sessions(): number {
    return this.sessionStore.size;
  }

  /** Open GET streams. */
  get streams(): number {
    return this.registry.streams;
  }

  /** Client requests in flight. */
  get running(): number {
    return this.sessionStore.running;
  }
}
