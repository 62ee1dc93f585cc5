import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayError } from '#libs/kernel';
import type { UpstreamSession } from '../session/upstream-session.js';
import { CrashLoops } from './crash-loops.js';
import { SessionCloser } from './session-closer.js';
import { SessionLimit } from './session-limit.js';
import { SERVICE, type SessionSpec } from './session-spec.js';
import { SessionGroup, Slot } from './slot.js';
import { Underway } from './underway.js';

const IDLE = 60_000;
const RETRY = { initial: 500, max: 4_000, multiplier: 2 };
const DIED = new GatewayError('UPSTREAM_DISCONNECTED', 'lab exited with code 3');

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function bench({ rests = false } = {}) {
  const told: string[] = [];
  const limit = new SessionLimit(1);
  const work = new Underway();
  const crashes = new CrashLoops({ server: 'lab', retry: () => RETRY, random: () => 1 });
  const closer = new SessionCloser({
    server: 'lab',
    idle: IDLE,
    crashes,
    limit,
    work,
    unused: rests ? () => void told.push('service session unused') : undefined,
    lost: (slot, { message }) => told.push(`${slot.group.spec.key} lost: ${message}`),
    left: ({ spec }) => told.push(`${spec.key} left`),
    room: () => told.push('room'),
  });
  /** An open session, counted and watched. */
  const open = (spec: SessionSpec = { ...SERVICE, key: 'alice' }) => {
    const session = {
      lost: false,
      reasons: [] as GatewayError[],
      gone: () => {},
      close(reason: GatewayError) {
        this.reasons.push(reason);
        return new Promise<void>((resolve) => {
          this.gone = resolve;
        });
      },
    };
    const slot = new Slot(new SessionGroup(spec), session as unknown as UpstreamSession);
    slot.group.add(slot);
    limit.tally(slot.group, 1);
    closer.watch(slot);
    return { session, slot };
  };
  return { closer, crashes, limit, open, told, work };
}

describe('a session that ends', () => {
  it('counts until nothing of it is left, and makes room then', async () => {
    const { closer, limit, open, told, work } = bench();
    const { session, slot } = open();
    closer.dismiss(slot);
    expect([slot.usable, slot.group.slots, limit.hasRoom]).toEqual([false, [], false]);
    expect(told).toEqual(['alice left']);
    session.gone();
    await work.over();
    expect(limit.hasRoom).toBe(true);
    expect(told).toEqual(['alice left', 'room']);
  });

  it('is told as lost once, and closed with the last call on it', () => {
    const { closer, crashes, open, told } = bench();
    const { session, slot } = open();
    slot.running = 1;
    closer.onLost(slot, DIED);
    closer.onLost(slot, DIED);
    expect(told).toEqual(['alice lost: lab exited with code 3', 'alice left', 'room']);
    expect(crashes.lastExit?.reason).toBe('lab exited with code 3');
    expect(session.reasons).toEqual([]);
    slot.running = 0;
    closer.retire(slot);
    expect(session.reasons).toEqual([closer.ended]);
  });

  it('is closed with its last call when it is retired', () => {
    const { closer, open } = bench();
    const { session, slot } = open();
    slot.running = 1;
    closer.retire(slot);
    expect([slot.usable, session.reasons]).toEqual([false, []]);
    slot.running = 0;
    closer.retire(slot);
    expect(session.reasons).toEqual([closer.ended]);
  });

  it.each([
    ['given up: it is to blame', (closer: SessionCloser, slot: Slot) => closer.discard(slot, DIED), true],
    ['not needed any more: it did its work', (closer: SessionCloser, slot: Slot) => closer.dismiss(slot), false],
  ])('may have been %s', (_what, end, blamed) => {
    const { closer, crashes, open } = bench();
    for (let i = 0; i < 2; i++) closer.onLost(open().slot, DIED);
    const { slot } = open();
    end(closer, slot);
    expect(crashes.refusal(slot.group.spec) !== undefined).toBe(blamed);
  });
});

describe('a session nobody uses', () => {
  it('ends after the idle time', () => {
    const { closer, open, told } = bench();
    const { session } = open();
    vi.advanceTimersByTime(IDLE - 1);
    expect(session.reasons).toEqual([]);
    vi.advanceTimersByTime(2_000);
    expect(session.reasons).toEqual([closer.ended]);
    expect(told).toEqual(['alice left']);
  });

  it('is left to its supervisor where it is the service session, or stays for ever', () => {
    const resting = bench({ rests: true });
    const staying = bench();
    const sessions = [resting.open(SERVICE), staying.open(SERVICE)].map(({ session }) => session);
    vi.advanceTimersByTime(IDLE + 2_000);
    expect(sessions.map(({ reasons }) => reasons)).toEqual([[], []]);
    expect([resting.told, staying.told]).toEqual([['service session unused'], []]);
  });

  it('makes room for another, the longest unused first, unless that one asks itself', () => {
    const { closer, open } = bench();
    const [old, young] = [open(), open({ ...SERVICE, key: 'bob' })];
    vi.advanceTimersByTime(1_000);
    young.slot.lastUsed = performance.now();
    const slots = [young.slot, old.slot];
    closer.oldestIdle(slots, old.slot.group)?.end();
    expect([old, young].map(({ session }) => session.reasons.length)).toEqual([0, 1]);
    closer.oldestIdle(slots)?.end();
    expect(old.session.reasons).toEqual([closer.ended]);
    expect(closer.oldestIdle(slots)).toBeUndefined();
  });
});
