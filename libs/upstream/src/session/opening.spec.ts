import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DueClock, GatewayError } from '#libs/kernel';
import type { Connection } from '#libs/plugin';
import { connectionOf, type Opening, openWithin } from './opening.js';

const LEFT = new GatewayError('SHUTTING_DOWN', 'everything ends');

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function limits(signal = new AbortController().signal, clock?: DueClock) {
  return { signal, limit: 1_000, clock, tooSlow: () => new GatewayError('UPSTREAM_TIMEOUT', 'too slow') };
}

const never = () => new Promise<never>(() => {});

describe('an opening', () => {
  it('brings what its task brings, and leaves nothing behind', async () => {
    const controller = new AbortController();
    const removed = vi.spyOn(controller.signal, 'removeEventListener');
    expect(
      await openWithin(limits(controller.signal), async (opening) => await opening.until(Promise.resolve(7))),
    ).toBe(7);
    expect(removed).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ['of its own', undefined],
    ['shared with others', new DueClock()],
  ])('ends at its deadline, by a clock %s, and tells whoever looks', async (_, clock) => {
    let seen: Opening | undefined;
    const opened = openWithin(limits(undefined, clock), async (opening) => {
      seen = opening;
      expect(opening.signal.aborted).toBe(false);
      return await opening.until(never());
    });
    const refused = expect(opened).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    await vi.advanceTimersByTimeAsync(1_100);
    await refused;
    expect(seen?.signal.aborted).toBe(true);
  });

  it('ends with its signal, in the middle of a step as well as between two', async () => {
    const controller = new AbortController();
    const waiting = openWithin(limits(controller.signal), (opening) => opening.until(never()));
    const between = openWithin(limits(controller.signal), async (opening) => {
      await opening.until(Promise.resolve()).then(() => controller.abort(LEFT));
      return await opening.until(never());
    });
    await expect(waiting).rejects.toBe(LEFT);
    await expect(between).rejects.toBe(LEFT);
  });

  it('does not begin when it is given up already', async () => {
    const task = vi.fn(async () => {});
    await expect(openWithin(limits(AbortSignal.abort(LEFT)), task)).rejects.toBe(LEFT);
    expect(task).not.toHaveBeenCalled();
  });

  it('says why it was given up whatever its task makes of that', async () => {
    const controller = new AbortController();
    const opened = openWithin(limits(controller.signal), async (opening) => {
      controller.abort(LEFT);
      expect(opening.signal.reason).toBe(LEFT);
      throw new Error('disturbed');
    });
    await expect(opened).rejects.toBe(LEFT);
  });

  it('closes a connection that comes when nobody waits any more', async () => {
    const controller = new AbortController();
    let arrive: (connection: Connection) => void = () => {};
    const close = vi.fn(async () => {});
    const opened = openWithin(limits(controller.signal), (opening) =>
      connectionOf(
        new Promise((resolve) => {
          arrive = resolve;
        }),
        opening,
      ),
    );
    controller.abort(LEFT);
    arrive({ close } as unknown as Connection);
    await expect(opened).rejects.toBe(LEFT);
    expect(close).toHaveBeenCalledOnce();
  });
});
