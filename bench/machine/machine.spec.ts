import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { parseCpuList, placement, UNPINNED } from './cpus.ts';
import { cpuNs, memoryOf, processTree, rssOf } from './usage.ts';

describe('placement', () => {
  it('gives what is measured a core of its own, and load and upstream one each where there are three', () => {
    expect(placement([0, 1], true)).toEqual({ gateway: 1, load: 0, upstream: 0 });
    expect(placement([2, 3, 7], true)).toEqual({ gateway: 7, load: 2, upstream: 3 });
  });

  it('pins nothing on one core, or without taskset', () => {
    expect(placement([0], true)).toEqual(UNPINNED);
    expect(placement([0, 1], false)).toEqual(UNPINNED);
  });

  it('reads lists of cores as the kernel writes them', () => {
    expect(parseCpuList('0-2,5,8-9')).toEqual([0, 1, 2, 5, 8, 9]);
    expect(parseCpuList('0')).toEqual([0]);
    expect(parseCpuList('')).toEqual([]);
  });
});

describe('usage', () => {
  it('counts processor time in nanoseconds, of this process about as Node does', () => {
    const [before, own] = [cpuNs([process.pid]), process.cpuUsage()];
    let sum = 0;
    for (let index = 0; index < 2e7; index++) sum += Math.sqrt(index);
    const used = process.cpuUsage(own);
    const measured = (cpuNs([process.pid]) - before) / 1000;
    expect(sum).toBeGreaterThan(0);
    expect(measured).toBeGreaterThan(0.5 * (used.user + used.system));
    expect(measured).toBeLessThan(2 * (used.user + used.system) + 50_000);
  });

  it('counts descendants in, and what is gone as nothing', async () => {
    const child = spawn('sh', ['-c', 'sleep 60 & echo up; wait'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    await once(child.stdout, 'data');
    const pid = child.pid ?? 0;
    try {
      const tree = processTree(pid);
      expect(tree).toHaveLength(2);
      expect(rssOf(tree)).toBeGreaterThan(rssOf([pid]));
      const { rss, pss } = memoryOf(tree);
      expect(rss).toBeGreaterThan(0);
      expect(pss).toBeLessThanOrEqual(rss);
    } finally {
      process.kill(-pid, 'SIGKILL');
    }
    await once(child, 'exit');
    expect([cpuNs([pid]), rssOf([pid])]).toEqual([0, 0]);
  });
});
