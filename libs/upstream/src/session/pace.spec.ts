import { describe, expect, it, vi } from 'vitest';
import { DueClock, type GatewayError } from '#libs/kernel';
import { exchangeOf, RecordingSink } from '../testing/callers.js';
import type { ExpiredLimit } from './deadline.js';
import { RunningCall } from './running-call.js';

/** A call whose client reads when the test says so. */
function paced(timeout = 60_000) {
  const told: string[] = [];
  const readers: (() => void)[] = [];
  let full = false;
  const exchange = Object.assign(exchangeOf(), {
    crowded: (resume: () => void) => {
      if (full) readers.push(resume);
      return full;
    },
  });
  const expired: ExpiredLimit[] = [];
  const caller = { exchange, sink: new RecordingSink(), wantsProgress: true, repeatable: false, solo: false };
  const call = new RunningCall(
    1,
    { method: 'tools/call', subject: 'tool t', timeout, maxTotal: 60_000, caller },
    {
      clock: new DueClock(),
      onMessage() {},
      onError() {},
      onSlow() {},
      onExpired: (limit) => void expired.push(limit),
    },
  );
  call.outcome.catch(() => {});
  call.handle = {
    abandon: () => void told.push('abandon'),
    pause: () => void told.push('pause'),
    resume: () => void told.push('resume'),
  };
  return {
    call,
    told,
    expired,
    crowd: () => {
      full = true;
    },
    read: () => {
      full = false;
      for (const resume of readers.splice(0)) resume();
    },
  };
}

describe('a call whose client does not read', () => {
  it('has its upstream wait once, and go on once there is room', () => {
    const { call, told, crowd, read } = paced();
    call.pace();
    expect(told).toEqual([]);
    crowd();
    call.pace();
    call.pace();
    expect([told, call.held]).toEqual([['pause'], true]);
    read();
    expect([told, call.held]).toEqual([['pause', 'resume'], false]);
    call.pace();
    expect(told).toHaveLength(2);
    call.settle({ kind: 'result', result: Buffer.from('{}') });
  });

  it('is over when it is over, whatever its client reads then', () => {
    const { call, told, crowd, read } = paced();
    crowd();
    call.pace();
    call.fail(new Error('enough') as GatewayError);
    read();
    call.pace();
    expect(told).toEqual(['pause']);
  });

  it('still has a clock, which starts anew when the client reads', async () => {
    vi.useFakeTimers();
    try {
      const { call, expired, crowd, read } = paced(1_000);
      crowd();
      call.pace();
      await vi.advanceTimersByTimeAsync(900);
      read();
      await vi.advanceTimersByTimeAsync(900);
      expect(expired).toEqual([]);
      await vi.advanceTimersByTimeAsync(200);
      expect(expired).toEqual(['timeout']);
      call.settle({ kind: 'result', result: Buffer.from('{}') });
    } finally {
      vi.useRealTimers();
    }
  });

  it('cannot hold up a stream that is everybody’s', () => {
    const { call, crowd } = paced();
    call.handle = { abandon() {} };
    crowd();
    call.pace();
    expect(call.held).toBe(false);
    call.settle({ kind: 'result', result: Buffer.from('{}') });
  });
});
