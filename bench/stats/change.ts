import { LEVEL, median } from './summary.ts';

/** By what factor a figure changed between two runs. */
export interface Change {
  /** after / before: 1.1 is ten percent more. */
  readonly factor: number;
  readonly low: number;
  readonly high: number;
  /** The interval leaves out 1: the rounds differ more between the runs than within them. */
  readonly exceedsNoise: boolean;
}

/**
 * The median of all pairwise factors (Hodges-Lehmann) with the interval that the Mann-Whitney test gives: rounds of the
 * two runs have nothing to do with each other, so each is compared with each. All values must be positive.
 */
export function changeOf(before: readonly number[], after: readonly number[]): Change {
  const factors = before.flatMap((old) => after.map((now) => now / old)).sort((a, b) => a - b);
  const factor = median(factors);
  if (factors.length === 0) return { factor, low: Number.NaN, high: Number.NaN, exceedsNoise: false };
  const cut = cutOf(before.length, after.length);
  // Too few rounds to ever be sure: the widest interval there is, and no claim.
  if (cut === undefined) {
    return { factor, low: factors[0] ?? Number.NaN, high: factors.at(-1) ?? Number.NaN, exceedsNoise: false };
  }
  const [low = Number.NaN, high = Number.NaN] = [factors[cut], factors[factors.length - 1 - cut]];
  return { factor, low, high, exceedsNoise: low > 1 || high < 1 };
}

/** How many factors at each end lie outside the interval; undefined where even the extremes are not certain enough. */
function cutOf(m: number, n: number): number | undefined {
  const ways = rankSums(m, n);
  const total = ways.reduce((sum, count) => sum + count, 0);
  let [outside, cut] = [0, -1];
  while (2 * (outside + (ways[cut + 1] ?? 0)) <= (1 - LEVEL) * total) outside += ways[++cut] ?? 0;
  return cut < 0 ? undefined : cut;
}

/** How many orders of m and n values have the Mann-Whitney statistic u, for each u: the coefficients of a Gaussian binomial. */
function rankSums(m: number, n: number): number[] {
  let ways = [1];
  for (let i = 1; i <= m; i++) ways = divide(multiply(ways, n + i), i);
  return ways.slice(0, m * n + 1);
}

/** times (1 - x^k) */
function multiply(ways: readonly number[], k: number): number[] {
  return Array.from({ length: ways.length + k }, (_, at) => (ways[at] ?? 0) - (ways[at - k] ?? 0));
}

/** divided by (1 - x^k) */
function divide(ways: readonly number[], k: number): number[] {
  const result: number[] = [];
  for (const [at, value] of ways.entries()) result.push(value + (result[at - k] ?? 0));
  return result;
}
