import { monitorEventLoopDelay } from 'node:perf_hooks';
import { RollingLedger } from '../chaos/ledger/rolling-ledger.js';
import { Random } from '../chaos/random.js';
import { endOf } from '../chaos/world/ending.js';
import { World, type WorldOptions } from '../chaos/world/world.js';
import { Inspector } from '../support/inspector.js';
import { isAlive, residentBytes } from '../support/processes.js';
import { Crowd } from './crowd.js';
import { disturbances } from './disturbances.js';
import { listeners } from './listeners.js';
import { lookAt } from './look.js';
import { passed } from './pause.js';
import { WORLD } from './plan.js';
import { type Line } from './report.js';
import { atRest, backAtRest } from './rest.js';
import type { Evidence, Memory } from './verdict.js';

export interface SoakPlan extends WorldOptions {
  readonly minutes: number;
  readonly rate: number;
  readonly seed: number;
  readonly progress: (text: string) => void;
  readonly report: (line: Line) => void;
}

/** How the load went. */
interface Load {
  readonly seconds: number;
  /** Calls that were due while all clients were busy. */
  readonly missed: number;
  /** Longest the process that makes the load stood still, in milliseconds: without a core to spare nothing is on time. */
  readonly stall: number;
  /** How often each flapping upstream was ended. */
  readonly flaps: ReadonlyMap<string, number>;
}

export interface Soaked extends Evidence, Load {}

/** Milliseconds of load before what is held at rest is looked at: sessions, sockets and caches are then as in service. */
const WARM = 10_000;
/** Milliseconds between two looks at the memory, of a long run and of a short one. */
const SAMPLE = 10_000;
const SAMPLE_SHORT = 2_000;
/** Milliseconds between two lines of the report. */
const REPORT = 60_000;
const REPORT_SHORT = 10_000;
const TIDY = 20_000;
/** Part of the sessions that are left without a word. What the gateway remembers of them it forgets after a minute. */
const VANISHING = 0.3;

/** Puts a gateway under load for minutes, and gathers what there is to be judged. */
export async function soak(plan: SoakPlan): Promise<Soaked> {
  plan.progress('starting');
  const node = ['--inspect=127.0.0.1:0', ...(plan.node ?? [])];
  const world = await World.start(WORLD, { ...plan, node });
  try {
    return await new Run(world, plan).evidence();
  } catch (error) {
    // Whatever failed then failed because of that.
    if (!isAlive(world.gateway.pid)) throw new Error(`the gateway ended:\n${world.gateway.output().slice(-4_000)}`);
    throw error;
  } finally {
    await world.close();
  }
}

class Run {
  readonly #world: World;
  readonly #plan: SoakPlan;
  readonly #random: Random;
  readonly #book: RollingLedger;
  readonly #memory: Memory[] = [];
  readonly #problems: string[] = [];
  #started = 0;

  constructor(world: World, plan: SoakPlan) {
    this.#world = world;
    this.#plan = plan;
    this.#random = new Random(plan.seed);
    this.#book = new RollingLedger(world.ledger.file);
  }

  async evidence(): Promise<Soaked> {
    const { gateway } = this.#world;
    const { progress, minutes } = this.#plan;
    const inspector = await Inspector.attach(gateway);
    progress('warming up');
    await this.#underLoad(WARM, 0);
    const before = await atRest(gateway);
    this.#started = performance.now();
    await this.#line('start', await this.#sample(inspector));

    const vanishing = this.#isShort ? 0 : VANISHING;
    const load = await this.#underLoad(minutes * 60_000, vanishing, inspector);
    progress('coming to rest');
    const after = await backAtRest(gateway, before);
    await this.#line('end', await this.#sample(inspector));
    inspector.close();
    this.#book.close();
    await endOf(this.#world, { progress, problem: (text) => this.#problem(text) }, TIDY);
    const { tally, tallies } = this.#book;
    const [memory, problems] = [this.#memory, this.#problems];
    return { minutes, ...load, memory, before, after, tally, tallies, problems };
  }

  /** Everything goes on for so many milliseconds, and has come to its end when this resolves. */
  async #underLoad(ms: number, vanishing: number, inspector?: Inspector): Promise<Load> {
    const world = this.#world;
    const failed = new AbortController();
    const end = AbortSignal.any([AbortSignal.timeout(ms), failed.signal]);
    const started = performance.now();
    const delay = monitorEventLoopDelay();
    delay.enable();
    const crowd = new Crowd(world.url, { rate: this.#plan.rate, vanishing }, this.#book, this.#random.fork());
    crowd.start();
    const [flaps] = await Promise.all([
      disturbances(world, this.#random.fork(), end),
      listeners(world.url, this.#random.fork(), end, (text) => this.#problem(text)),
      inspector && this.#watch(end, inspector),
    ]).finally(() => {
      failed.abort();
      return crowd.stop();
    });
    delay.disable();
    const seconds = (performance.now() - started) / 1_000;
    return { seconds, missed: crowd.missed, stall: delay.max / 1e6, flaps };
  }

  async #watch(end: AbortSignal, inspector: Inspector): Promise<void> {
    const isShort = this.#isShort;
    let printed = performance.now();
    while (await passed(isShort ? SAMPLE_SHORT : SAMPLE, end)) {
      this.#book.turn();
      const memory = await this.#sample(inspector);
      this.#memory.push(memory);
      if (performance.now() - printed < (isShort ? REPORT_SHORT : REPORT) - 1_000) continue;
      printed = performance.now();
      await this.#line(`${Math.round(memory.at)} s`, memory);
    }
  }

  async #line(when: string, memory: Memory): Promise<void> {
    const look = await lookAt(this.#world.gateway);
    this.#plan.report({ when, calls: this.#book.ended, tally: this.#book.tally, memory, look });
  }

  async #sample(inspector: Inspector): Promise<Memory> {
    // Before the collection: as much as it needs in between is what the operator sees.
    const rss = residentBytes(this.#world.gateway.pid);
    return { at: this.#at(), rss, ...(await inspector.memory()) };
  }

  get #isShort(): boolean {
    return this.#plan.minutes < 3;
  }

  #at(): number {
    return (performance.now() - this.#started) / 1_000;
  }

  #problem(text: string): void {
    if (!this.#problems.includes(text) && this.#problems.length < 20) this.#problems.push(text);
  }
}
