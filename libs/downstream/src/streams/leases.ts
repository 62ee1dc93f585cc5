import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type Standing, Standings } from '#libs/auth';
import { ApiKeysConfigRef, OauthConfigRef } from '#libs/config';
import type { Inbound } from '../front.js';
import { Clock } from './clock.js';

/** Milliseconds after which a caller's standing is looked at again, and the most a stream ends before its credential. */
const MINUTE = 60_000;
const NEVER = Number.POSITIVE_INFINITY;

type Caller = Pick<Inbound, 'request' | 'principal'>;

/** A stream's right to be open. */
export interface Lease {
  /** False once the credential has ended: then nothing may be delivered any more. */
  readonly valid: boolean;
  /** The stream has closed. */
  release(): void;
}

/**
 * Streams live no longer than whoever opened them would be let in. They end shortly before their credential does, are asked
 * about every minute, and whenever the configuration changes who may call.
 */
@Injectable()
export class Leases implements OnModuleDestroy {
  readonly #held = new Set<Held>();
  readonly #stops: readonly (() => void)[];

  constructor(
    private readonly standings: Standings,
    private readonly clock: Clock,
    oauth: OauthConfigRef,
    apiKeys: ApiKeysConfigRef,
  ) {
    this.#stops = [oauth.onChange(() => this.#lookSoon()), apiKeys.onChange(() => this.#lookSoon())];
  }

  /** `end` closes the stream; it is called at most once, and never at once. */
  take(caller: Caller, end: () => void): Lease {
    const held = new Held(caller, { standings: this.standings, clock: this.clock, end }, () => this.#held.delete(held));
    this.#held.add(held);
    return held;
  }

  onModuleDestroy(): void {
    for (const stop of this.#stops) stop();
    for (const held of [...this.#held]) held.release();
  }

  /** After everybody else who follows the configuration has done so. */
  #lookSoon(): void {
    setImmediate(() => {
      for (const held of [...this.#held]) void held.look();
    });
  }
}

interface Surroundings {
  readonly standings: Standings;
  readonly clock: Clock;
  readonly end: () => void;
}

class Held implements Lease {
  #expiresAt!: number;
  /** When the stream ends by itself. */
  #closesAt!: number;
  #cancel: () => void = () => {};
  #looking = false;
  #over = false;

  constructor(
    private readonly caller: Caller,
    private readonly around: Surroundings,
    private readonly onReleased: () => void,
  ) {
    this.#expire(caller.principal.expiresAt);
    this.#arm();
  }

  get valid(): boolean {
    return !this.#over && this.around.clock.now() < this.#expiresAt;
  }

  release(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancel();
    this.onReleased();
  }

  /** Asks how the caller stands today. One question at a time; what cannot be told now changes nothing. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const standing = await this.around.standings.of(this.caller.request);
    this.#looking = false;
    if (!this.#over) this.#follow(standing);
  }

  #follow(standing: Standing): void {
    if (standing.kind === 'gone') this.#end();
    if (standing.kind !== 'good' || (standing.expiresAt ?? NEVER) === this.#expiresAt) return;
    this.#expire(standing.expiresAt);
    this.#arm();
  }

  /** Within the last tenth of what is left, so that all streams of one moment do not end, and come back, at once. */
  #expire(expiresAt = NEVER): void {
    this.#expiresAt = expiresAt;
    const left = Math.max(0, expiresAt - this.around.clock.now());
    this.#closesAt = expiresAt - Math.random() * Math.min(MINUTE, left / 10);
  }

  #arm(): void {
    this.#cancel();
    const { clock } = this.around;
    this.#cancel = clock.after(Math.min(MINUTE, this.#closesAt - clock.now()), () => this.#due());
  }

  #due(): void {
    if (this.around.clock.now() >= this.#closesAt) {
      this.#end();
      return;
    }
    this.#arm();
    void this.look();
  }

  #end(): void {
    this.release();
    this.around.end();
  }
}
