import { setTimeout as wait } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Connections } from '../http/connections.js';
import { RequestsInFlight } from '../http/requests-in-flight.js';
import { CallDesk } from '../modern/call-desk.js';
import { Sessions } from '../session/sessions.js';
import { StreamRegistry } from './stream-registry.js';

const LOOK = 50;
/** Once nothing runs any more: how long connections may take to become quiet. */
const PATIENCE = 5_000;

export interface DrainTimes {
  /** Milliseconds running requests have. */
  readonly within: number;
  /** Milliseconds without a byte after which a connection is closed. */
  readonly quiet: number;
}

/** How the front door closes: no new streams, running requests get their answers, what is left is told why. */
@Injectable()
export class Drain implements BeforeApplicationShutdown, OnModuleDestroy {
  constructor(
    private readonly sessions: Sessions,
    private readonly registry: StreamRegistry,
    private readonly calls: CallDesk,
    private readonly inFlight: RequestsInFlight,
    private readonly connections: Connections,
  ) {}

  /** Everything works on, but connections close with their answers: clients open the next one where a balancer sends them. */
  announce(): void {
    this.connections.leave();
  }

  /** Ends all standalone streams. From now on connections that open get no new work done. */
  endAll(): void {
    this.connections.leave();
    this.connections.markLate();
    this.registry.endAll();
  }

  /**
   * Waits until no client waits for an answer any more, then for connections to become quiet, and closes them. False as
   * soon as the time is over in which running requests had to finish. An answer that became a stream before the gateway
   * was stopped did not say that its connection closes: its client may be about to send the next request there.
   */
  async idle({ within, quiet }: DrainTimes): Promise<boolean> {
    const deadline = performance.now() + within;
    let patience: number | undefined;
    for (;;) {
      const now = performance.now();
      const busy = this.inFlight.count + this.connections.waiting > 0;
      if (!busy) {
        patience ??= now + PATIENCE;
        this.connections.closeQuiet(quiet);
        if (this.connections.open === 0 || now >= patience) return true;
      } else if (now >= deadline) return false;
      await wait(LOOK);
    }
  }

  /** Aborts whatever still runs or is parked; clients that wait are answered SHUTTING_DOWN. */
  abortAll(): void {
    this.sessions.abortAll();
    this.calls.abortAll();
  }

  /** New work is refused on every connection: what could do it is being closed. */
  refuseAll(): void {
    this.connections.markAllLate();
  }

  /** Closes what did not close by itself. */
  cut(): void {
    this.connections.closeAll();
  }

  beforeApplicationShutdown(): void {
    this.endAll();
  }

  onModuleDestroy(): void {
    this.registry.stop();
  }
}
