import { hash } from 'node:crypto';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type LimitsConfig, ServerConfigRef } from '#libs/config';
import { type ErrorCode, GatewayError, isLoopbackAddress } from '#libs/kernel';
import { addressKey } from '../rules/keys.js';
import { seconds } from '../rules/refusal.js';
import { type Limiter, LimitStore, take } from '../store/limit-store.js';
import { RecentMap } from '../store/recent-map.js';

/** Credentials that were good lately. */
const REMEMBERED = 20_000;
/** Milliseconds. */
const REMEMBERED_FOR = 3_600_000;
/** Characters of a credential that tell it from others: the end of a signature. */
const TAIL = 64;

/** What became of a request behind the gate. */
export interface Visit {
  admitted(): void;
  refused(code: ErrorCode): Promise<void>;
}

type Settings = Pick<LimitsConfig, 'unauthenticated_per_second' | 'auth_failures_per_minute' | 'auth_block'>;

/**
 * Holds back addresses that keep sending requests without good credentials, before those cost anything. Requests that
 * authenticate are never counted, and a credential that was good lately passes in any case, so that one bad client does not
 * shut out the others behind its address. This machine itself is exempt.
 */
@Injectable()
export class AddressGate implements OnModuleDestroy {
  readonly #good = new RecentMap<boolean>(REMEMBERED, REMEMBERED_FOR);
  readonly #stop: () => void;
  #counters: Counters;

  constructor(config: ServerConfigRef, store: LimitStore) {
    this.#counters = new Counters(config.current.limits, store);
    this.#stop = config.onChange(({ limits }) => {
      if (!this.#counters.isFor(limits)) this.#counters = new Counters(limits, store);
    });
  }

  /**
   * Lets a request go on to authentication; undefined where nothing is counted.
   * @throws GatewayError RATE_LIMITED
   */
  enter(address: string, authorization: string | undefined): Promise<Visit> | undefined {
    return isLoopbackAddress(address) || !this.#counters.any
      ? undefined
      : this.#enter(addressKey(address), authorization);
  }

  onModuleDestroy(): void {
    this.#stop();
  }

  async #enter(address: string, authorization: string | undefined): Promise<Visit> {
    const counters = this.#counters;
    const refusal = await counters.refusal(address);
    if (refusal && !this.#isGood(authorization)) throw refusal;
    return {
      admitted: () => {
        if (authorization !== undefined) this.#remember(authorization, true);
      },
      refused: (code) => {
        const expired = code === 'TOKEN_INVALID' && this.#wasGood(authorization);
        return counters.count(address, expired ? 'UNAUTHENTICATED' : code);
      },
    };
  }

  /** Nobody guesses a credential that was good: it expired. That is forgiven once. */
  #wasGood(authorization: string | undefined): boolean {
    if (authorization === undefined || !this.#isGood(authorization)) return false;
    this.#remember(authorization, false);
    return true;
  }

  #remember(authorization: string, good: boolean): void {
    this.#good.set(tailOf(authorization), good, performance.now());
  }

  #isGood(authorization: string | undefined): boolean {
    return authorization !== undefined && this.#good.get(tailOf(authorization), performance.now()) === true;
  }
}

/** What each address did lately. */
class Counters {
  readonly #settings: Settings;
  /** Requests that were not let in, for whatever reason. */
  readonly #strangers: Limiter | undefined;
  /** Credentials that were refused. */
  readonly #failures: Limiter | undefined;

  constructor(settings: Settings, store: LimitStore) {
    this.#settings = settings;
    const { unauthenticated_per_second: strangers, auth_failures_per_minute: failures, auth_block: keep } = settings;
    if (strangers > 0) {
      this.#strangers = store.limiter({ id: 'unauthenticated', limit: strangers, per: 1_000, burst: strangers });
    }
    if (failures > 0) {
      this.#failures = store.limiter({ id: 'auth failures', limit: failures, per: 60_000, burst: failures, keep });
    }
  }

  get any(): boolean {
    return this.#strangers !== undefined || this.#failures !== undefined;
  }

  isFor(settings: Settings): boolean {
    return SETTINGS.every((key) => settings[key] === this.#settings[key]);
  }

  async refusal(address: string): Promise<GatewayError | undefined> {
    const blocked = (await this.#failures?.get(address))?.msBeforeNext ?? 0;
    if (blocked > 0) return heldBack('many refused credentials', 'auth_failures_per_minute', blocked);
    const wait = (await this.#strangers?.get(address))?.msBeforeNext ?? 0;
    return wait > 0 ? heldBack('many requests without credentials', 'unauthenticated_per_second', wait) : undefined;
  }

  async count(address: string, code: ErrorCode): Promise<void> {
    if (!UNAUTHENTICATED.has(code)) return;
    if (this.#strangers) await take(this.#strangers, address);
    if (!this.#failures || code === 'UNAUTHENTICATED') return;
    await take(this.#failures, address);
    if ((await this.#failures.get(address))?.remainingPoints === 0) {
      await this.#failures.block(address, this.#settings.auth_block / 1000);
    }
  }
}

const SETTINGS = ['unauthenticated_per_second', 'auth_failures_per_minute', 'auth_block'] as const;

const UNAUTHENTICATED: ReadonlySet<ErrorCode> = new Set(['UNAUTHENTICATED', 'TOKEN_INVALID', 'CREDENTIALS_MALFORMED']);

function heldBack(what: string, key: (typeof SETTINGS)[number], wait: number): GatewayError {
  const retryAfter = Math.max(1, Math.ceil(wait / 1000));
  return new GatewayError(
    'RATE_LIMITED',
    `Too ${what} came from this network address; try again in ${seconds(retryAfter)}, with valid credentials`,
    { data: { key: `server.limits.${key}`, retryAfter } },
  );
}

/** Hashed: a credential is not kept a moment longer than its request. */
function tailOf(authorization: string): string {
  return hash('sha256', authorization.slice(-TAIL), 'base64url');
}
