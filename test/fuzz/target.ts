import fc from 'fast-check';
import { heapOfThisProcess } from './memory.js';

/** Something that takes input from strangers. */
export interface Target {
  readonly name: string;
  /** Its part of all cases, relative to the others. */
  readonly share: number;
  prepare(): Promise<Prepared>;
}

/** A target that is up and takes cases. */
export interface Prepared {
  /** Throws on a finding. */
  readonly property: fc.IRawProperty<unknown>;
  /** How many cases were taken for good so far; undefined where there is no such thing. */
  taken(): number | undefined;
  /** Bytes in use after a forced collection, of the process under attack. */
  heap(): Promise<number>;
  /** What can only be said when all cases are through: a finding each. */
  rest(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** CPU milliseconds one case may take: nothing here is long enough to need a tenth of it. */
const STALL = 1_000;

/** `check` throws on whatever is not right, and says whether the case was taken for good, where that is a question. */
export type Check<T> = (value: T) => boolean | undefined;

/** A function of this process. */
export function inProcess<T>(name: string, share: number, cases: fc.Arbitrary<T>, check: Check<T>): Target {
  let taken: number | undefined;
  const property = fc.property(cases, (value) => {
    const before = process.cpuUsage();
    const good = check(value);
    if (good !== undefined) taken = (taken ?? 0) + (good ? 1 : 0);
    const { user, system } = process.cpuUsage(before);
    const spent = (user + system) / 1000;
    if (spent > STALL) throw new Error(`took ${Math.round(spent)} ms of CPU`);
  }) as unknown as fc.IRawProperty<unknown>;
  return {
    name,
    share,
    prepare: async () => ({
      property,
      taken: () => taken,
      heap: async () => heapOfThisProcess(),
      rest: async () => [],
      close: async () => {},
    }),
  };
}

/** For checks: no more than an assertion, but one that is cheap when it holds. */
export function must(holds: boolean, text: string | (() => string)): asserts holds {
  if (!holds) throw new Error(typeof text === 'string' ? text : text());
}
