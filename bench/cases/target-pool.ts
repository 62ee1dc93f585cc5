import type { Profile } from '../targets/gateway-config.ts';
import type { FloorSessions, Lab } from '../targets/lab.ts';
import type { Target } from '../targets/target.ts';
import type { World } from '../targets/world.ts';

/** Targets that cases with equal worlds share. Only those of one world run at a time: idle processes are not quite idle. */
export class TargetPool {
  readonly #lab: Lab;
  readonly #targets = new Map<string, Target>();
  #world = '';

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Ends the targets of another world. */
  async enter(world: World): Promise<void> {
    const key = JSON.stringify(world);
    if (key !== this.#world) await this.leave();
    this.#world = key;
  }

  /** Ends all targets. */
  async leave(): Promise<void> {
    const targets = [...this.#targets.values()];
    this.#targets.clear();
    this.#world = '';
    await Promise.all(targets.map(({ running }) => running.stop()));
  }

  floor(world: World, sessions: FloorSessions = 'pass'): Promise<Target> {
    return this.#get({ floor: sessions, world }, () => this.#lab.floor(world, sessions));
  }

  gateway(profile: Profile, world: World): Promise<Target> {
    return this.#get({ profile, world }, () => this.#lab.gateway(profile, world));
  }

  async #get(key: object, start: () => Promise<Target>): Promise<Target> {
    const text = JSON.stringify(key);
    const target = this.#targets.get(text) ?? (await start());
    this.#targets.set(text, target);
    return target;
  }
}
