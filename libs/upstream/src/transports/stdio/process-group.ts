import { readdirSync, readFileSync } from 'node:fs';
import type { Log } from '#libs/kernel';
import type { ChildPlace } from '../../pool/child-places.js';
import { Watchdog } from './watchdog.js';

// Whatever happens to the gateway, no group survives it: its own exit ends them, and after SIGKILL the watchdog does.
const live = new Set<ProcessGroup>();
export const watchdog = new Watchdog();

/** How often a group that does not end is looked at (milliseconds). */
const LINGER = 1_000;

function killAll(): void {
  for (const group of live) group.signal('SIGKILL');
}

/** A child that leads its own process group, with everything it started. Exists from spawn until the last one is gone. */
export class ProcessGroup {
  readonly pid: number;
  readonly #place: ChildPlace | undefined;

  constructor(pid: number, log: Log, place?: ChildPlace) {
    this.pid = pid;
    this.#place = place;
    if (live.size === 0) process.on('exit', killAll);
    live.add(this);
    watchdog.add(pid, log);
  }

  /** It is going to be stopped. */
  ending(): void {
    if (live.has(this)) this.#place?.ending();
  }

  /** Signals every process of the group. */
  signal(name: NodeJS.Signals): void {
    // The number may belong to strangers once the group is gone.
    if (!live.has(this)) return;
    try {
      process.kill(-this.pid, name);
    } catch {
      // gone already, or not ours to signal: `alive` tells
    }
  }

  /** Whether anything of it still runs. Forgets the group when not. */
  alive(): boolean {
    if (!live.has(this)) return false;
    if (exists(-this.pid) && hasRunningMember(this.pid)) return true;
    this.#forget();
    return false;
  }

  /** Resolves true when nothing of the group runs any more, false when the time is over. */
  async gone(milliseconds: number): Promise<boolean> {
    const end = performance.now() + milliseconds;
    for (let pause = 5; this.alive(); pause = Math.min(pause * 2, 100)) {
      const left = end - performance.now();
      if (left <= 0) return false;
      await new Promise((resolve) => setTimeout(resolve, Math.min(pause, left)));
    }
    return true;
  }

  /** It did not end in time: it stays on record until it has ended after all. */
  linger(): void {
    const timer = setInterval(() => {
      if (!this.alive()) clearInterval(timer);
    }, LINGER);
    timer.unref();
  }

  #forget(): void {
    live.delete(this);
    this.#place?.leave();
    watchdog.remove(this.pid);
    if (live.size === 0) process.off('exit', killAll);
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Zombies count as members of a group until somebody reaps them, which in a container without an init nobody does for
 * orphans. Linux tells them apart; elsewhere every member counts.
 */
function hasRunningMember(group: number): boolean {
  if (process.platform !== 'linux') return true;
  try {
    return readdirSync('/proc').some((name) => /^\d+$/.test(name) && runsIn(group, name));
  } catch {
    return true;
  }
}

function runsIn(group: number, pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // pid (command) state ppid pgrp …; the command may contain anything, so read from its last parenthesis on
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(pgrp) === group && state !== 'Z' && state !== 'X';
  } catch {
    return false;
  }
}
