import { describe, expect, it } from 'vitest';
import { SingleFlight } from './single-flight.js';

describe('SingleFlight', () => {
  it('runs one task per key and shares its result', async () => {
    const flight = new SingleFlight<number>();
    let runs = 0;
    const task = async () => ++runs;
    expect(await Promise.all([flight.run('a', task), flight.run('a', task), flight.run('b', task)])).toEqual([1, 1, 2]);
  });

  it('runs again once the task is over, whatever became of it', async () => {
    const flight = new SingleFlight<string>();
    const failing = flight.run('a', () => Promise.reject(new Error('down')));
    const shared = flight.run('a', async () => 'never runs');
    await expect(failing).rejects.toThrow('down');
    await expect(shared).rejects.toThrow('down');
    expect(await flight.run('a', async () => 'up')).toBe('up');
  });

  it('rejects when the task throws before its first await, and can run again', async () => {
    const flight = new SingleFlight<string>();
    const run = () =>
      flight.run('a', () => {
        throw new Error('early');
      });
    await expect(run()).rejects.toThrow('early');
    expect(await flight.run('a', async () => 'later')).toBe('later');
  });
});
