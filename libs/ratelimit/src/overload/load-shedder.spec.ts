import { afterEach, describe, expect, it, vi } from 'vitest';
import { type LimitsConfig, ServerConfig, ServerConfigRef } from '#libs/config';
import type { GatewayError } from '#libs/kernel';
import { LoadShedder } from './load-shedder.js';
import { LoopDelay } from './loop-delay.js';

function shedderOf(limits: Partial<LimitsConfig>, delay: LoopDelay) {
  const server = new ServerConfig();
  Object.assign(server.limits, limits);
  return new LoadShedder(new ServerConfigRef(server), delay);
}

function refusal(shedder: LoadShedder, inFlight = 0, bytes = 0): GatewayError | undefined {
  try {
    shedder.admit(inFlight, bytes);
    return undefined;
  } catch (thrown) {
    return thrown as GatewayError;
  }
}

const delayOf = (current: number) => ({ current, start: () => {}, stop: () => {} }) as unknown as LoopDelay;

describe('LoadShedder', () => {
  it('takes requests up to the bound in flight, and again as soon as one has ended', () => {
    const shedder = shedderOf({ requests_in_flight: 3 }, delayOf(0));
    expect(refusal(shedder, 2)).toBeUndefined();
    expect(refusal(shedder, 3)).toMatchObject({
      code: 'OVERLOADED',
      notExecuted: true,
      data: { key: 'server.limits.requests_in_flight' },
    });
    expect(refusal(shedder, 2)).toBeUndefined();
  });

  it('takes requests while they hold less than they may, and again as soon as they do', () => {
    const shedder = shedderOf({ bytes_in_flight: 1_000 }, delayOf(0));
    expect(refusal(shedder, 0, 999)).toBeUndefined();
    expect(refusal(shedder, 0, 1_000)).toMatchObject({
      code: 'OVERLOADED',
      data: { key: 'server.limits.bytes_in_flight' },
    });
    expect(refusal(shedder, 0, 999)).toBeUndefined();
    expect(() => shedder.admitBody(0, 1_000)).toThrow(/unread answers hold 1000 bytes/);
  });

  it('refuses while work waits longer than allowed; 0 allows any delay', () => {
    expect(refusal(shedderOf({ event_loop_delay: 1_000 }, delayOf(1_001)))?.message).toMatch(
      /^The gateway has more work than it can do at the moment \(work waits 1001 ms\); nothing was started, try again in \d seconds?$/,
    );
    expect(refusal(shedderOf({ event_loop_delay: 1_000 }, delayOf(1_000)))).toBeUndefined();
    expect(refusal(shedderOf({ event_loop_delay: 0 }, delayOf(60_000)))).toBeUndefined();
  });

  it('sends refused clients away for different times', () => {
    const shedder = shedderOf({ requests_in_flight: 1 }, delayOf(0));
    const times = new Set(Array.from({ length: 20 }, () => refusal(shedder, 1)?.data['retryAfter']));
    expect(times.size).toBeGreaterThan(2);
    for (const time of times) expect(Number.isInteger(time) && Number(time) >= 1).toBe(true);
  });
});

describe('a blocked event loop', () => {
  const delay = new LoopDelay();
  afterEach(() => delay.stop());

  it('is noticed, and forgotten when it runs again', { timeout: 20_000 }, async () => {
    const shedder = shedderOf({ event_loop_delay: 200 }, delay);
    shedder.onApplicationBootstrap();
    expect(refusal(shedder)).toBeUndefined();
    for (let i = 0; i < 10 && !refusal(shedder); i++) {
      block(400);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(refusal(shedder)).toMatchObject({ code: 'OVERLOADED', data: { key: 'server.limits.event_loop_delay' } });
    await vi.waitFor(() => expect(refusal(shedder)).toBeUndefined(), 10_000);
    shedder.onModuleDestroy();
    expect(delay.current).toBe(0);
  });
});

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}
