/** A figure over rounds: its median, and an interval that holds the true median with at least the given probability. */
export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** 0.95 where there were rounds enough, less where even the whole range is not that certain. */
  readonly level: number;
  readonly n: number;
}

export const LEVEL = 0.95;

/**
 * Median with its interval by order statistics: no assumption about the shape of the noise, and the same answer every
 * time. With five rounds or fewer the interval is the whole range and `level` says what that is worth.
 */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  if (n === 0) return { median: Number.NaN, low: Number.NaN, high: Number.NaN, level: 0, n };
  let [cut, outside] = [0, binomialTail(n, 0)];
  while (2 * (outside + binomial(n, cut + 1)) <= 1 - LEVEL) outside += binomial(n, ++cut);
  return {
    median: medianOf(sorted),
    low: sorted[cut] ?? Number.NaN,
    high: sorted[n - 1 - cut] ?? Number.NaN,
    level: Math.max(0, 1 - 2 * outside),
    n,
  };
}

export function median(values: readonly number[]): number {
  return medianOf([...values].sort((a, b) => a - b));
}

/** Of sorted values, by nearest rank. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

function medianOf(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const [below = Number.NaN, above = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? above : (below + above) / 2;
}

/** The probability that of n fair coins exactly k fall one way. */
function binomial(n: number, k: number): number {
  let value = 0.5 ** n;
  for (let i = 0; i < k; i++) value *= (n - i) / (i + 1);
  return value;
}

function binomialTail(n: number, k: number): number {
  let sum = 0;
  for (let i = 0; i <= k; i++) sum += binomial(n, i);
  return sum;
}
