import type { Call } from './call.js';
import type { Verdict } from './verdict.js';

export interface Tally {
  readonly sent: number;
  readonly right: number;
  readonly clear: number;
  readonly wrong: number;
  readonly lost: number;
  /** Milliseconds of the call that got its answer, or its error, last of all. */
  readonly slowest: number;
  /** How often each code was the answer. */
  readonly errors: Readonly<Record<string, number>>;
  /** The first few things that are wrong, in words. */
  readonly faults: readonly string[];
}

const MOST_FAULTS = 10;

/** Adds up verdicts. */
export class Count {
  readonly #counts = { sent: 0, right: 0, clear: 0, wrong: 0, lost: 0 };
  readonly #errors: Record<string, number> = {};
  readonly #faults: string[] = [];
  #slowest = 0;

  get tally(): Tally {
    return { ...this.#counts, slowest: this.#slowest, errors: { ...this.#errors }, faults: [...this.#faults] };
  }

  add(call: Call, verdict: Verdict): void {
    const { nonce, upstream, tool, outcome } = call;
    this.#counts.sent += 1;
    this.#counts[verdict.kind === 'twice' ? 'wrong' : verdict.kind] += 1;
    if (outcome.kind === 'answer' || outcome.kind === 'error') {
      this.#slowest = Math.max(this.#slowest, call.settledAt - call.sentAt);
    }
    if (verdict.kind === 'clear') {
      const name = outcome.kind === 'error' ? String(outcome.code) : outcome.kind;
      this.#errors[name] = (this.#errors[name] ?? 0) + 1;
    }
    if ('why' in verdict) this.#fault(`${nonce} (${upstream}:${tool}): ${verdict.why}`);
  }

  /** Something ran, and no call is to be found that asked for it. */
  uninvited(nonce: string): void {
    this.#counts.wrong += 1;
    this.#fault(`${nonce}: ran, but nobody asked for it`);
  }

  #fault(text: string): void {
    if (this.#faults.length < MOST_FAULTS) this.#faults.push(text);
  }
}
