import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type Sender, type Standing, Standings, senderOf } from '#libs/auth';
import { ApiKeysConfigRef, OauthConfigRef } from '#libs/config';
import { type Due, DueClock } from '#libs/kernel';
import type { Inbound } from '../front.js';
import { Clock } from './clock.js';

/** Milliseconds after which a caller's standing is looked at again, and the most a stream ends before its credential. */
const MINUTE = 60_000;
const NEVER = Number.POSITIVE_INFINITY;
/** Milliseconds between two looks at who is due: there may be ten thousand, one due after the other. */
const GRAIN = 100;

type Caller = Pick<Inbound, 'request' | 'principal'>;

/** Has the stream whose lease it is. */
export interface Holder {
  end(): void;
}

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
  readonly #around: Surroundings;
  readonly #stops: readonly (() => void)[];

  constructor(standings: Standings, clock: Clock, oauth: OauthConfigRef, apiKeys: ApiKeysConfigRef) {
    this.#around = {
      standings,
      clock,
      dues: new DueClock({ grain: GRAIN, holds: false, time: clock }),
      held: this.#held,
    };
    this.#stops = [oauth.onChange(() => this.#lookSoon()), apiKeys.onChange(() => this.#lookSoon())];
  }

  /** `holder` is told to end at most once, and never at once. */
  take(caller: Caller, holder: Holder): Lease {
    const held = new Held(caller, this.#around, holder);
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

/** What all leases share. */
interface Surroundings {
  readonly standings: Standings;
  readonly clock: Clock;
  /** One timer for all of them. */
  readonly dues: DueClock;
  readonly held: Set<Held>;
}

class Held implements Lease, Due {
  seat = -1;
  due = 0;
  readonly #sender: Sender;
  readonly #around: Surroundings;
  readonly #holder: Holder;
  #expiresAt!: number;
  /** When the stream ends by itself. */
  #closesAt!: number;
  #looking = false;
  #over = false;

  constructor({ request, principal }: Caller, around: Surroundings, holder: Holder) {
    this.#sender = senderOf(request);
    this.#around = around;
    this.#holder = holder;
    this.#expire(principal.expiresAt);
    this.#arm();
  }

  get valid(): boolean {
    return !this.#over && this.#around.clock.now() < this.#expiresAt;
  }

  release(): void {
    if (this.#over) return;
    this.#over = true;
    const { dues, held } = this.#around;
    dues.cancel(this);
    held.delete(this);
    if (held.size === 0) dues.stop();
  }

  /** Asks how the caller stands today. One question at a time; what cannot be told now changes nothing. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const standing = await this.#around.standings.of(this.#sender);
    this.#looking = false;
    if (!this.#over) this.#follow(standing);
  }

  onDue(): void {
    if (this.#around.clock.now() >= this.#closesAt) {
      this.#end();
      return;
    }
    this.#arm();
    void this.look();
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
    const span = Math.min(MINUTE, Math.max(0, expiresAt - this.#around.clock.now()) / 10);
    // The clock may look a grain late.
    const late = Math.min(GRAIN, span);
    this.#closesAt = expiresAt - late - Math.random() * (span - late);
  }

  #arm(): void {
    const { clock, dues } = this.#around;
    dues.set(this, Math.min(clock.now() + MINUTE, this.#closesAt));
  }

  #end(): void {
    this.release();
    this.#holder.end();
  }
}
