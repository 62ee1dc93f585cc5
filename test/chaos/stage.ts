import { until } from '../support/wait.js';
import type { ChaosClient } from './clients/client.js';
import { RawModern } from './clients/raw-modern.js';
import type { Stage } from './experiment.js';
import type { Order, Outcome } from './ledger/call.js';
import { callAndNote } from './load.js';
import type { Random } from './random.js';
import type { World } from './world/world.js';

/** Longest an upstream may take to be used again, in milliseconds: many times the longest wait between two attempts. */
const RECOVERY = 20_000;
/** Milliseconds of a call in the middle of which something is to happen. */
const LONG = 10_000;
/** Longest the load may take for the calls an experiment waits for. */
const CALLS = 60_000;

export class LiveStage implements Stage {
  readonly world: World;
  readonly random: Random;
  readonly problems: string[] = [];
  readonly #say: (text: string) => void;
  /** When the fault of an upstream ended. */
  readonly #ended = new Map<string, number>();
  #calls = 0;

  constructor(world: World, random: Random, say: (text: string) => void) {
    this.world = world;
    this.random = random;
    this.#say = say;
  }

  /** Milliseconds from the end of an upstream's fault to its first right answer. */
  recoveryOf(upstream: string): number | undefined {
    const since = this.#ended.get(upstream);
    const first = since === undefined ? undefined : this.world.ledger.firstRight(upstream, since);
    return first === undefined || since === undefined ? undefined : first.settledAt - since;
  }

  progress(text: string): void {
    this.#say(text);
  }

  async calls(count: number, upstream?: string): Promise<void> {
    const { ledger } = this.world;
    const ended = () => ledger.count(upstream);
    const enough = ended() + count;
    await until(`${count} calls ${upstream ? `to ${upstream} ` : ''}come to an end`, () => ended() >= enough, CALLS);
  }

  async call(client: ChaosClient, upstream: string, more: Partial<Order> = {}): Promise<Outcome> {
    const nonce = this.random.nonce(`${client.name}.${++this.#calls}`);
    return callAndNote(client, { nonce, upstream, tool: 'work', ms: 0, size: 100, ...more }, this.world.ledger);
  }

  async inTheMiddle(upstream: string): Promise<() => Promise<readonly Outcome[]>> {
    const { headers, ledger, url } = this.world;
    const clients = [1, 2, 3].map((n) => new RawModern(`middle-${upstream}-${n}`, url, headers));
    const outcomes = clients.map((client) => this.call(client, upstream, { ms: LONG }));
    const allRun = () => {
      const begun = ledger.begun();
      return clients.every(({ name }) => begun.some((nonce) => nonce.startsWith(`${name}.`)));
    };
    await until(`${upstream} runs the long calls`, allRun, CALLS);
    return async () => {
      const ended = await Promise.all(outcomes);
      await Promise.all(clients.map((client) => client.close()));
      return ended;
    };
  }

  async until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
    await until(what, probe, RECOVERY);
  }

  faultEnds(...upstreams: string[]): void {
    for (const upstream of upstreams) this.#ended.set(upstream, performance.now());
  }

  async recovered(): Promise<void> {
    for (const [upstream, since] of this.#ended) {
      const back = () => this.world.ledger.firstRight(upstream, since);
      await until(`${upstream} is used again`, back, RECOVERY).catch((error: Error) => this.problem(error.message));
    }
  }

  problem(text: string): void {
    this.problems.push(text);
  }
}
