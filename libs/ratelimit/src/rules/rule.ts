import { parsePattern, type RateLimitConfig } from '#libs/config';
import type { ObjectRef } from '#libs/kernel';
import type { Limiter, LimiterSpec } from '../store/limit-store.js';
import type { Slots } from './slots.js';

/** A rule of `rate_limit`, with its counters. */
export interface Rule {
  readonly settings: RateLimitConfig;
  /** For people and metrics, e.g. `principal n8n:*`. */
  readonly name: string;
  readonly matches: (target: ObjectRef) => boolean;
  readonly limiter: Limiter | undefined;
  readonly slots: Slots | undefined;
}

/** Whether a rule can be judged before it is known what the request is about. */
export function isAboutCaller({ key, match }: RateLimitConfig): boolean {
  return match === null && key !== 'tool' && key !== 'server';
}

export function nameOf({ key, match }: RateLimitConfig): string {
  return match === null ? key : `${key} ${match}`;
}

/** The counters a rule needs; undefined when it has only `concurrency`. */
export function specOf({ key, match, limit, per, burst }: RateLimitConfig): LimiterSpec | undefined {
  if (limit === null) return undefined;
  const own = burst ?? limit;
  return { id: JSON.stringify([key, match, limit, per, own]), limit, per, burst: own };
}

/** A rule without `match` is about everything, and a `tool` rule about all tools. */
export function matcherOf({ key, match }: RateLimitConfig): (target: ObjectRef) => boolean {
  if (match === null) return key === 'tool' ? ({ kind }) => kind === 'tool' : () => true;
  const { kinds, fitsServer, fitsObject } = parsePattern(match);
  return ({ kind, server, name }) => kinds.includes(kind) && fitsServer(server) && fitsObject(name);
}
