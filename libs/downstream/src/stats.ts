import { Injectable } from '@nestjs/common';
import { LoadShedder } from '#libs/ratelimit';
import { RequestsInFlight } from './http/requests-in-flight.js';
import { CallDesk } from './modern/call-desk.js';
import { Sessions } from './session/sessions.js';
import { StreamRegistry } from './streams/stream-registry.js';

/** What the front door has open right now, for metrics and the status page. */
@Injectable()
export class DownstreamStats {
  constructor(
    private readonly sessionStore: Sessions,
    private readonly registry: StreamRegistry,
    private readonly calls: CallDesk,
    private readonly requests: RequestsInFlight,
    private readonly shedder: LoadShedder,
  ) {}

  /** Client sessions this process remembers something of. */
  get sessions(): number {
    return this.sessionStore.size;
  }

  /** Open streams that belong to no single request: GET and `subscriptions/listen`. */
  get streams(): number {
    return this.registry.streams;
  }

  /** Client requests in flight. */
  get running(): number {
    return this.sessionStore.running + this.calls.running;
  }

  /** Client requests that are arriving or wait for their answer. */
  get inFlight(): number {
    return this.requests.count;
  }

  /** Bytes of bodies, and of answers that nobody has read yet. */
  get bytesInFlight(): number {
    return this.requests.bytes;
  }

  /** Milliseconds work waits for its turn. */
  get loopDelay(): number {
    return this.shedder.loopDelay;
  }

  /** Calls that wait for a modern client to answer a question. */
  get parked(): number {
    return this.calls.parked;
  }
}
