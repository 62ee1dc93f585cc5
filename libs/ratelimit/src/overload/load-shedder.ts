import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ServerConfigRef } from '#libs/config';
import { GatewayError } from '#libs/kernel';
import { seconds } from '../rules/refusal.js';
import { LoopDelay } from './loop-delay.js';

/** Refused clients are told to stay away for one to so many seconds, so that they do not all come back together. */
const SPREAD = 5;

/**
 * Refuses new work while the process has more of it than it can do, so that what it has accepted gets done. Nothing has to
 * be reset: as soon as the event loop is on time again, or requests have ended, the next one is taken.
 */
@Injectable()
export class LoadShedder implements OnApplicationBootstrap, OnModuleDestroy {
  #shed = 0;

  constructor(
    private readonly config: ServerConfigRef,
    private readonly delay: LoopDelay,
  ) {}

  onApplicationBootstrap(): void {
    this.delay.start();
  }

  onModuleDestroy(): void {
    this.delay.stop();
  }

  /** Milliseconds work waits for its turn at the moment. */
  get loopDelay(): number {
    return this.delay.current;
  }

  /**
   * Asks for one more request besides those that are in flight, and hold so many bytes.
   * @throws GatewayError OVERLOADED
   */
  admit(inFlight: number, bytes: number): void {
    const { requests_in_flight, event_loop_delay } = this.config.current.limits;
    this.#admitBytes(bytes);
    if (inFlight >= requests_in_flight) {
      throw this.#overloaded(`${inFlight} requests are in flight`, 'requests_in_flight');
    }
    if (event_loop_delay > 0 && this.delay.current > event_loop_delay) {
      throw this.#overloaded(`work waits ${Math.round(this.delay.current)} ms`, 'event_loop_delay');
    }
  }

  /**
   * Asks for room for one more body besides those that are arriving, of whatever it will turn out to be.
   * @throws GatewayError OVERLOADED
   */
  admitBody(arriving: number, bytes: number): void {
    this.#admitBytes(bytes);
    if (arriving < this.config.current.limits.requests_in_flight) return;
    throw this.#overloaded(`${arriving} requests are arriving`, 'requests_in_flight');
  }

  #admitBytes(bytes: number): void {
    if (bytes < this.config.current.limits.bytes_in_flight) return;
    throw this.#overloaded(`requests and unread answers hold ${bytes} bytes`, 'bytes_in_flight');
  }

  #overloaded(what: string, key: 'requests_in_flight' | 'bytes_in_flight' | 'event_loop_delay'): GatewayError {
    const retryAfter = 1 + (this.#shed++ % SPREAD);
    return new GatewayError(
      'OVERLOADED',
      `The gateway has more work than it can do at the moment (${what}); nothing was started, try again in ${seconds(retryAfter)}`,
      { data: { key: `server.limits.${key}`, retryAfter }, notExecuted: true },
    );
  }
}
