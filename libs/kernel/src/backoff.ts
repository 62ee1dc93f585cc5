export interface BackoffSettings {
  /** Milliseconds before the first retry. */
  readonly initial: number;
  /** Upper bound of one wait, in milliseconds. */
  readonly max: number;
  readonly multiplier: number;
}

/** Exponential with full jitter: a random wait below the exponential bound, never below a tenth of it. */
export function backoffDelay(settings: BackoffSettings, attempt: number, random: () => number = Math.random): number {
  const exponential = settings.initial * settings.multiplier ** Math.max(0, attempt);
  // Not a number after many attempts that start from 0.
  const bound = exponential <= settings.max ? exponential : settings.max;
  return Math.round(bound * (0.1 + 0.9 * random()));
}
