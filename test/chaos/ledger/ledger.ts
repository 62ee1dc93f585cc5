import type { Call } from './call.js';
import { Count, type Tally } from './count.js';
import { Runs } from './runs.js';
import { type Allowances, hasItsAnswer, judge } from './verdict.js';

/** Where calls are written when they have come to an end. */
export interface Book {
  add(call: Call): void;
}

/** Both sides of every call: what clients saw, and what upstreams wrote down before they answered. */
export class Ledger implements Book {
  /** Upstreams append one line per call they run: the nonce. */
  readonly file: string;
  readonly #calls: Call[] = [];
  readonly #runs: Runs;

  constructor(file: string) {
    this.file = file;
    this.#runs = new Runs(file);
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

  /** The first right answer of an upstream to a call sent since `since`. */
  firstRight(upstream: string, since: number): Call | undefined {
    return this.#calls.find((call) => call.upstream === upstream && call.sentAt >= since && hasItsAnswer(call));
  }

  /** Nonces that upstreams have begun to run, whatever became of them. */
  begun(): readonly string[] {
    this.#runs.read();
    return this.#runs.nonces();
  }

  /** Of all calls, or of those to one upstream. */
  tally(allowed: Allowances = {}, upstream?: string): Tally {
    this.#runs.read();
    const count = new Count();
    const calls = upstream === undefined ? this.#calls : this.#calls.filter((call) => call.upstream === upstream);
    for (const call of calls) count.add(call, judge(call, this.#runs.of(call.nonce), allowed));
    if (upstream === undefined) for (const nonce of this.#uninvited()) count.uninvited(nonce);
    return count.tally;
  }

  /** What ran and was never asked for. */
  #uninvited(): string[] {
    const asked = new Set(this.#calls.map(({ nonce }) => nonce));
    return this.#runs.nonces().filter((nonce) => !asked.has(nonce));
  }
}
