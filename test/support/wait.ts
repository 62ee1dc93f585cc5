/** How long a condition may take before a test gives up: generous, because a loaded machine is slow, not wrong. */
export const PATIENCE = 20_000;

/** Waits until `probe` answers something other than undefined, false or null. An error of it counts as "not yet". */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | null | Promise<T | undefined | false | null>,
  timeout = PATIENCE,
): Promise<T> {
  const end = performance.now() + timeout;
  let reason = '';
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false && value !== null) return value;
      reason = '';
    } catch (error) {
      reason = ` (${error instanceof Error ? error.message : String(error)})`;
    }
    if (performance.now() > end) throw new Error(`${what}: not within ${timeout} ms${reason}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A list that others push to and tests wait on. */
export class Inbox<T> {
  readonly items: T[] = [];

  push(item: T): void {
    this.items.push(item);
  }

  /** The first item that matches, once there is one. */
  async first(what: string, matches: (item: T) => boolean = () => true, timeout = PATIENCE): Promise<T> {
    return until(what, () => this.items.find(matches), timeout);
  }

  count(matches: (item: T) => boolean): number {
    return this.items.filter(matches).length;
  }
}

/** Closes what a test opened, last first, whatever fails on the way. */
export class Cleanup {
  readonly #steps: (() => unknown)[] = [];

  add<T extends { close(): unknown }>(resource: T): T {
    this.#steps.push(() => resource.close());
    return resource;
  }

  run(step: () => unknown): void {
    this.#steps.push(step);
  }

  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
