import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { UNPINNED } from '../machine/cpus.ts';
import type { Lab } from '../targets/lab.ts';
import { gatewayDoor, Target } from '../targets/target.ts';
import { type CaseContext, QUICK } from './case.ts';
import { interleaved } from './rounds.ts';

const metrics = createServer((request, response) => {
  if (request.url === '/metrics') scrapes += 1;
  response.end();
});
let scrapes = 0;

afterEach(() => void metrics.close());

describe('interleaved rounds', () => {
  it('scrape the metrics while an entrant is warmed up already', async () => {
    await new Promise<void>((listening) => metrics.listen(0, '127.0.0.1', listening));
    const running = { pid: process.pid, isAlive: () => true };
    const door = gatewayDoor({ port: (metrics.address() as AddressInfo).port, era: 'legacy' });
    const target = new Target(running as Target['running'], door, { scraped: true });
    const task = { run: () => new Promise<void>((done) => setTimeout(done, 10)), close() {} };
    const lab = { executed: async () => 0, upstream: running, options: { placement: UNPINNED } };
    const context = {
      lab: lab as unknown as Lab,
      scale: { ...QUICK, rounds: 0, warmup: { anew: 1, again: 1 } },
      progress: () => {},
    } as unknown as CaseContext;
    const [report] = await interleaved([{ name: 'gateway', target, tasks: [task], executes: 0 }], context);
    expect(report).toMatchObject({ faults: [], rounds: [] });
    expect(report?.calls).toBeGreaterThan(0);
    expect(scrapes).toBeGreaterThan(0);
  });
});
