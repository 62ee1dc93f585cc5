import { describe, expect, it } from 'vitest';
import { within } from './within.js';

describe('within', () => {
  it('ends with the work, also when it fails', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    await within(60_000, Promise.resolve());
    await within(60_000, Promise.reject(new Error('no')));
    expect(timers()).toBe(before);
  });

  it('ends without the work when that takes too long', async () => {
    let done = false;
    let finish!: () => void;
    const work = new Promise<void>((resolve) => {
      finish = resolve;
    }).then(() => {
      done = true;
    });
    await within(1, work);
    expect(done).toBe(false);
    finish();
    await work;
    expect(done).toBe(true);
  });
});
