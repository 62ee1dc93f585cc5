import type { ChaosClient } from './clients/client.js';
import type { Order, Outcome } from './ledger/call.js';
import type { Allowances } from './ledger/verdict.js';
import type { LoadPlan } from './load.js';
import type { Random } from './random.js';
import type { World, WorldPlan } from './world/world.js';

/** One way to break something. Its name is what `--experiment` takes. */
export interface Experiment {
  readonly name: string;
  /** The fault, in a line. */
  readonly about: string;
  /** Seconds it takes, rather too many: a bounded run leaves out what would not fit. */
  readonly seconds: number;
  readonly world: WorldPlan;
  /** What differs from the usual load. */
  readonly load?: Partial<LoadPlan>;
  readonly allowed?: Allowances;
  /** Upstreams that are well all the time: every call to them has to be answered right. */
  readonly unharmed?: readonly string[];
  /** The gateway is another process at the end than at the beginning. */
  readonly restarts?: boolean;
  /** Causes the fault and ends it, while the load runs. */
  run(stage: Stage): Promise<void>;
}

/** What an experiment works with. */
export interface Stage {
  readonly world: World;
  readonly random: Random;
  /** Says where the experiment is, for who watches. */
  progress(text: string): void;
  /** Lets the load run until so many more calls, to this upstream or any, have come to an end. */
  calls(count: number, upstream?: string): Promise<void>;
  /** One call of a client of the experiment's own, beside the load. It is in the book like any other. */
  call(client: ChaosClient, upstream: string, more?: Partial<Order>): Promise<Outcome>;
  /**
   * Sends calls that take their time, and waits until the upstream runs all of them: what happens next happens in the middle
   * of calls. Resolves to their outcomes, which come later.
   */
  inTheMiddle(upstream: string): Promise<() => Promise<readonly Outcome[]>>;
  /** Waits for a condition. */
  until(what: string, probe: () => boolean | Promise<boolean>): Promise<void>;
  /** From now on everything can be right again: the clock of the recovery starts for these upstreams. */
  faultEnds(...upstreams: string[]): void;
  /** Waits until each upstream whose fault ended gives a right answer again. */
  recovered(): Promise<void>;
  /** Something is wrong that no call shows. */
  problem(text: string): void;
}
