import { describe, expect, it } from 'vitest';
import { Drain } from './drain.js';

const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe('draining', () => {
  it('waits for what runs, for as long as it may, and leaves no timer', async () => {
    const before = timers();
    const drain = new Drain();
    drain.enter();
    const waiting = drain.wait(60_000);
    drain.leave();
    await waiting;
    drain.hurry(60_000);
    expect(timers()).toBe(before);
  });

  it('ends early when it is told to hurry, for everybody who waits', async () => {
    const drain = new Drain();
    drain.enter();
    const waiting = [drain.wait(60_000), drain.wait(60_000)];
    drain.hurry(1);
    await Promise.all(waiting);
  });
});
