import { Lru, type Principal } from '#libs/kernel';
import type { AuthOutcome, AuthSetup } from '#libs/plugin';
import type { Clock } from '../keys/key-cache.js';
import { audienceRefusal, type Reach, reaches } from './audience.js';

/** A token that was found good, and for how long that is taken for granted. */
export interface Verified {
  readonly outcome: { readonly kind: 'ok'; readonly principal: Principal };
  readonly reach: Reach;
  /** When it was found, in milliseconds of the clock that only goes on. */
  readonly foundAt: number;
  /** Bytes it is taken to need. */
  readonly weight: number;
}

/** Judged once, whatever the outcome is to be at which endpoint. */
export type Verdict = Verified | Exclude<AuthOutcome, { kind: 'ok' | 'none' }>;

const MAX_BYTES = 32 * 1024 * 1024;
const MAX_TOKENS = 10_000;
/** Longest time a verified token is taken for granted, in milliseconds. */
export const TRUST = 60_000;
const OBJECTS = 1_024;

/** Verified tokens by the digest of the whole token (RS-28). Bounded by bytes and, since each weighs something, in number. */
export class VerifiedTokens {
  readonly #tokens = new Lru<string, Verified>(MAX_BYTES, ({ weight }) => Math.max(weight, MAX_BYTES / MAX_TOKENS));

  /** Also when its time is over: whoever asks looks whether it is trusted. */
  get(digest: string): Verified | undefined {
    return this.#tokens.get(digest);
  }

  set(digest: string, verified: Verified): void {
    this.#tokens.set(digest, verified);
  }

  delete(digest: string): void {
    this.#tokens.delete(digest);
  }

  clear(): void {
    this.#tokens.clear();
  }

  get size(): number {
    return this.#tokens.size;
  }
}

/** `size`: characters of what it says of itself, which is what keeping it costs. */
export function verified(
  principal: Principal,
  { reach, size, elapsed }: { readonly reach: Reach; readonly size: number; readonly elapsed: number },
): Verified {
  return { outcome: { kind: 'ok', principal }, reach, foundAt: elapsed, weight: 4 * size + OBJECTS };
}

/** Two clocks: a token ends at its date, and what was found of it is old after a while, whatever becomes of the date. */
export function isTrusted({ foundAt, outcome }: Verified, clock: Clock): boolean {
  const { expiresAt } = outcome.principal;
  return clock.elapsed() < foundAt + TRUST && (expiresAt === undefined || clock.now() < expiresAt);
}

/** The outcome at what a request line names. */
export function outcomeAt(verdict: Verdict, setup: AuthSetup, target: string): AuthOutcome {
  if (!('outcome' in verdict)) return verdict;
  if (reaches(verdict.reach, setup, target)) return verdict.outcome;
  return { kind: 'denied', reason: audienceRefusal(verdict.reach, setup, target) };
}
