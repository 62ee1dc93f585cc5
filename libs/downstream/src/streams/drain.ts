import { type BeforeApplicationShutdown, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { CallDesk } from '../modern/call-desk.js';
import { Sessions } from '../session/sessions.js';
import { StreamRegistry } from './stream-registry.js';

const LOOK = 50;

/** How the front door closes: no new streams, running requests get their answers, what is left is told why. */
@Injectable()
export class Drain implements BeforeApplicationShutdown, OnModuleDestroy {
  constructor(
    private readonly sessions: Sessions,
    private readonly registry: StreamRegistry,
    private readonly calls: CallDesk,
  ) {}

  /** Ends all standalone streams; from now on connections close with their answer. */
  endAll(): void {
    this.registry.endAll();
  }

  /** Waits until no client waits for an answer any more, at most so many milliseconds. True when nobody does. */
  async idle(within: number): Promise<boolean> {
    const deadline = Date.now() + within;
    while (this.registry.replies > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK, Math.max(1, deadline - Date.now()))));
    }
    return this.registry.replies === 0;
  }

  /** Aborts whatever still runs or is parked; clients that wait are answered SHUTTING_DOWN. */
  abortAll(): void {
    this.sessions.abortAll();
    this.calls.abortAll();
  }

  beforeApplicationShutdown(): void {
    this.endAll();
  }

  onModuleDestroy(): void {
    this.registry.stop();
  }
}
