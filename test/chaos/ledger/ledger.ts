import { existsSync, readFileSync } from 'node:fs';
import type { Call } from './call.js';
import { type Allowances, judge } from './verdict.js';

export interface Tally {
  readonly sent: number;
  readonly right: number;
  readonly clear: number;
  readonly wrong: number;
  readonly lost: number;
  /** How often each code was the answer. */
  readonly errors: Readonly<Record<string, number>>;
  /** The first few things that are wrong, in words. */
  readonly faults: readonly string[];
}

const MOST_FAULTS = 10;

/** Both sides of every call: what clients saw, and what upstreams wrote down before they answered. */
export class Ledger {
  /** Upstreams append one line per call they run: the nonce. */
  readonly file: string;
  readonly #calls: Call[] = [];

  constructor(file: string) {
    this.file = file;
  }

  get calls(): readonly Call[] {
    return this.#calls;
  }

  add(call: Call): void {
    this.#calls.push(call);
  }

  count(upstream?: string): number {
    if (upstream === undefined) return this.#calls.length;
    return this.#calls.reduce((sum, call) => sum + (call.upstream === upstream ? 1 : 0), 0);
  }

  /** How often each nonce ran. */
  runs(): Map<string, number> {
    const runs = new Map<string, number>();
    if (!existsSync(this.file)) return runs;
    for (const nonce of readFileSync(this.file, 'utf8').split('\n')) {
      if (nonce !== '') runs.set(nonce, (runs.get(nonce) ?? 0) + 1);
    }
    return runs;
  }

  /** The first right answer of an upstream to a call sent since `since`. */
  firstRight(upstream: string, since: number): Call | undefined {
    return this.#calls.find(
      (call) => call.upstream === upstream && call.sentAt >= since && call.outcome.kind === 'answer',
    );
  }

  /** Of all calls, or of those to one upstream. */
  tally(allowed: Allowances = {}, upstream?: string): Tally {
    const runs = this.runs();
    const calls = upstream === undefined ? this.#calls : this.#calls.filter((call) => call.upstream === upstream);
    const counts = { right: 0, clear: 0, wrong: 0, lost: 0 };
    const errors: Record<string, number> = {};
    const faults: string[] = [];
    for (const call of calls) {
      const verdict = judge(call, runs.get(call.nonce) ?? 0, allowed);
      counts[verdict.kind === 'twice' ? 'wrong' : verdict.kind] += 1;
      if (verdict.kind === 'clear') {
        const name = call.outcome.kind === 'error' ? String(call.outcome.code) : call.outcome.kind;
        errors[name] = (errors[name] ?? 0) + 1;
      }
      if ('why' in verdict) faults.push(`${call.nonce} (${call.upstream}:${call.tool}): ${verdict.why}`);
    }
    const uninvited = upstream === undefined ? this.#uninvited(runs) : [];
    counts.wrong += uninvited.length;
    faults.push(...uninvited.map((nonce) => `${nonce}: ran, but nobody asked for it`));
    return { sent: calls.length, ...counts, errors, faults: faults.slice(0, MOST_FAULTS) };
  }

  /** What ran and was never asked for. */
  #uninvited(runs: ReadonlyMap<string, number>): string[] {
    const asked = new Set(this.#calls.map(({ nonce }) => nonce));
    return [...runs.keys()].filter((nonce) => !asked.has(nonce));
  }
}
