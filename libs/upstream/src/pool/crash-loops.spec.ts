import { beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '#libs/kernel';
import { CrashLoops } from './crash-loops.js';
import { SERVICE, type SessionSpec } from './session-spec.js';

const died = (code: 'UPSTREAM_DISCONNECTED' | 'UPSTREAM_UNREACHABLE' = 'UPSTREAM_DISCONNECTED') =>
  new GatewayError(code, 'lab exited with code 3', { data: { exitCode: 3, stderr: ['loading', 'no database'] } });
const of = (key: string, rest: Partial<SessionSpec> = {}): SessionSpec => ({ ...SERVICE, key, ...rest });
const [alice, bob] = [of('alice'), of('bob')];

let now: number;
let loops: CrashLoops;

beforeEach(() => {
  now = 1_000;
  loops = new CrashLoops({
    server: 'lab',
    retry: () => ({ initial: 500, max: 4_000, multiplier: 2 }),
    now: () => now,
    random: () => 1,
  });
});

const crash = (times: number, spec = alice) => {
  for (let i = 0; i < times; i++) loops.failed(spec, died());
};

describe('a program that dies as soon as it is up', () => {
  it('is started again at once twice, then after growing waits up to the longest', () => {
    crash(2);
    expect(loops.refusal(alice)).toBeUndefined();
    for (const wait of [500, 1_000, 2_000, 4_000, 4_000]) {
      crash(1);
      now += wait - 1;
      expect(loops.refusal(alice)).toBeDefined();
      now += 1;
      expect(loops.refusal(alice)).toBeUndefined();
    }
  });

  it('fails calls with the cause, the last lines on stderr and the time of the next attempt', () => {
    crash(3);
    const refusal = loops.refusal(alice);
    expect(refusal).toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      notExecuted: true,
      data: { server: 'lab', exitCode: 3, stderr: ['loading', 'no database'], retryAt: expect.any(String) },
    });
    expect(refusal?.message).toMatch(/3 times in a row.*exited with code 3.*in 1 s or later/);
  });

  it('concerns those callers alone, and never the service session, which has its supervisor', () => {
    crash(9);
    crash(9, SERVICE);
    expect(loops.refusal(alice)).toBeDefined();
    expect(loops.refusal(bob)).toBeUndefined();
    expect(loops.refusal(SERVICE)).toBeUndefined();
  });

  it('is forgiven when one of its children lived long, or was not needed any more', () => {
    crash(2);
    loops.lost(alice, died(), 5_000);
    crash(2);
    expect(loops.refusal(alice)).toBeUndefined();
    loops.served(alice);
    crash(2);
    expect(loops.refusal(alice)).toBeUndefined();
    loops.lost(alice, died(), 4_999);
    expect(loops.refusal(alice)).toBeDefined();
  });

  it('is not suspected for want of room, or because a caller left', () => {
    for (const code of ['UPSTREAM_BUSY', 'CANCELLED', 'UPSTREAM_UNAUTHORIZED'] as const) {
      for (let i = 0; i < 5; i++) loops.failed(alice, new GatewayError(code, 'no'));
    }
    expect(loops.refusal(alice)).toBeUndefined();
    expect(loops.lastExit).toBeUndefined();
  });

  it('is found out also when every call has a child of its own, but one caller cannot shut out the others', () => {
    const once = (n: number) => of(`call-${n}`, { ephemeral: true });
    for (let i = 0; i < 9; i++) loops.lost(once(i), died(), 10);
    expect(loops.refusal(once(9))).toBeUndefined();
    for (let i = 0; i < 3; i++) loops.failed(once(i), died());
    expect(loops.refusal(once(9))).toBeDefined();
  });
});

describe('restarts', () => {
  it('are counted when somebody takes the place of a child that ended by itself', () => {
    loops.opened(alice);
    expect([loops.restarts, loops.restartsOf(alice)]).toEqual([0, 0]);
    loops.lost(alice, died(), 60_000);
    expect(loops.restarts).toBe(0);
    loops.opened(alice);
    loops.opened(alice);
    loops.lost(SERVICE, died(), 60_000);
    loops.opened(SERVICE);
    expect([loops.restarts, loops.restartsOf(alice), loops.restartsOf(bob)]).toEqual([2, 1, 0]);
  });

  it('come with how the last child ended', () => {
    loops.lost(alice, died(), 60_000);
    expect(loops.lastExit).toMatchObject({ code: 3, stderr: 'no database', reason: 'lab exited with code 3' });
    expect(Date.now() - (loops.lastExit?.at ?? 0)).toBeLessThan(60_000);
  });
});
