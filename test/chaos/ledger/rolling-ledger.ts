import type { Call } from './call.js';
import { Count, type Tally } from './count.js';
import type { Book } from './ledger.js';
import { Runs } from './runs.js';
import { judge } from './verdict.js';

/** Milliseconds after the end of a call in which it may yet be seen to run: an error comes before what it denies. */
const LATE = 30_000;

/** The book of a run that has no bound: calls are judged some time after their end, and only counts are kept. */
export class RollingLedger implements Book {
  readonly #runs: Runs;
  readonly #all = new Count();
  readonly #byUpstream = new Map<string, Count>();
  #waiting: Call[] = [];
  #ended = 0;

  constructor(file: string) {
    this.#runs = new Runs(file);
  }

  /** Calls that came to an end, judged or not. */
  get ended(): number {
    return this.#ended;
  }

  get tally(): Tally {
    return this.#all.tally;
  }

  get tallies(): ReadonlyMap<string, Tally> {
    return new Map([...this.#byUpstream].map(([upstream, count]) => [upstream, count.tally]));
  }

  add(call: Call): void {
    this.#ended += 1;
    this.#waiting.push(call);
  }

  /** Judges what ended long enough ago. */
  turn(now = performance.now()): void {
    const young = this.#waiting.findIndex(({ settledAt }) => settledAt + LATE > now);
    this.#judge(young === -1 ? this.#waiting.length : young);
  }

  /** Judges the rest. No call may be open any more: what ran and is in no book was asked for by nobody. */
  close(): void {
    this.#judge(this.#waiting.length);
    for (const nonce of this.#runs.nonces()) this.#all.uninvited(nonce);
  }

  #judge(count: number): void {
    this.#runs.read();
    for (const call of this.#waiting.splice(0, count)) {
      const verdict = judge(call, this.#runs.of(call.nonce));
      this.#runs.forget(call.nonce);
      this.#all.add(call, verdict);
      this.#of(call.upstream).add(call, verdict);
    }
  }

  #of(upstream: string): Count {
    const known = this.#byUpstream.get(upstream);
    if (known) return known;
    const count = new Count();
    this.#byUpstream.set(upstream, count);
    return count;
  }
}
