import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ErrorCode, GatewayError } from '#libs/kernel';
import { type BreakerSettings, CallBreaker, failedOnTheWay } from './call-breaker.js';

const SETTINGS: BreakerSettings = { enabled: true, calls: 10, minimum: 4, share: 0.5, window: 60_000, wait: 1_000 };
const TIMEOUT = new GatewayError('UPSTREAM_TIMEOUT', 'silence');

function breaker(given: Partial<BreakerSettings> = {}) {
  const live = { breaker: { ...SETTINGS, ...given }, single: false, serving: true };
  const opened: { message: string; wait: number }[] = [];
  const made = new CallBreaker(
    {
      server: 'lab',
      settings: () => ({ breaker: live.breaker, retry: { initial: 1, max: 4_000, multiplier: 2 } }),
      single: () => live.single,
      open: ({ message }, wait) => {
        if (live.serving) opened.push({ message, wait: wait() });
        return live.serving;
      },
    },
    () => 1,
  );
  const session = {};
  const failOn = (where: object, ...subjects: string[]) => {
    for (const subject of subjects) made.failed(made.epoch, subject, where, TIMEOUT);
  };
  const answerOn = (where: object, ...subjects: string[]) => {
    for (const subject of subjects) made.succeeded(made.epoch, subject, where);
  };
  const fail = failOn.bind(undefined, session);
  const answer = answerOn.bind(undefined, session);
  return { made, live, opened, fail, answer, failOn, answerOn };
}

describe('the breaker over calls', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('opens when more than the share of the latest calls failed, and says how many', () => {
    const { made, opened, fail, answer } = breaker();
    answer('a', 'b', 'c', 'd', 'a');
    fail('a', 'b', 'a', 'b', 'a');
    expect(made.state).toBe('closed');
    fail('b');
    expect(made.state).toBe('open');
    expect(opened).toEqual([
      { message: expect.stringMatching(/^6 of the last 10 calls .*UPSTREAM_TIMEOUT.*proxy\.breaker/), wait: 1_000 },
    ]);
  });

  it('does not judge by a few calls', () => {
    const { made, fail } = breaker();
    fail('a', 'b', 'a');
    expect(made.state).toBe('closed');
    fail('b');
    expect(made.state).toBe('open');
  });

  it('does not hold one thing that always fails against the whole upstream', () => {
    const { made, fail, answer } = breaker();
    fail(...Array.from({ length: 100 }, () => 'slow'));
    expect(made.state).toBe('closed');
    // Another one failed once, and works.
    answer('quick');
    fail('quick');
    answer('quick');
    fail('slow', 'slow', 'slow');
    expect(made.state).toBe('closed');
    fail('quick');
    expect(made.state).toBe('open');
  });

  it('does not hold one session that hangs against those of others', () => {
    const { made, failOn, answerOn } = breaker();
    const [mine, yours] = [{}, {}];
    answerOn(yours, 'a', 'b');
    failOn(mine, 'a', 'b', 'c', 'a', 'b', 'c', 'a', 'b');
    expect(made.state).toBe('closed');
    failOn(yours, 'c');
    expect(made.state).toBe('open');
  });

  it('takes the only session in use for the upstream', () => {
    const { made, failOn, answerOn } = breaker();
    const mine = {};
    answerOn(mine, 'a');
    failOn(mine, 'a', 'b', 'a', 'b');
    expect(made.state).toBe('open');
  });

  it('takes the only thing there is for the upstream', () => {
    const { made, live, fail } = breaker();
    live.single = true;
    fail('only', 'only', 'only', 'only');
    expect(made.state).toBe('open');
  });

  it('forgets failures that nothing followed for a while', () => {
    const { made, fail } = breaker();
    fail('a', 'b', 'a');
    vi.advanceTimersByTime(SETTINGS.window + 1);
    fail('b', 'a', 'b');
    expect(made.state).toBe('closed');
    fail('a');
    expect(made.state).toBe('open');
  });

  it('remembers answers for longer', () => {
    const { made, fail, answer } = breaker();
    answer('a', 'b', 'c', 'a');
    vi.advanceTimersByTime(SETTINGS.window + 1);
    fail('b', 'a', 'b', 'a');
    expect(made.state).toBe('closed');
    fail('b');
    expect(made.state).toBe('open');
  });

  it('closes with the first answer after a probe, and opens again with the first proof of the contrary', () => {
    const { made, opened, fail, answer } = breaker();
    fail('a', 'b', 'a', 'b');
    made.restored();
    expect(made.state).toBe('half_open');
    answer('a');
    expect(made.state).toBe('closed');
    fail('a', 'b', 'a', 'b');
    made.restored();
    fail('a');
    expect(made.state).toBe('half_open');
    fail('b');
    expect(made.state).toBe('open');
    expect(opened).toHaveLength(3);
    expect(made.openings).toBe(3);
  });

  it('waits longer each time, until so many calls passed without its opening', () => {
    const { made, opened, fail, answer } = breaker();
    const open = () => {
      fail('a', 'b', 'a', 'b');
      made.restored();
    };
    for (let i = 0; i < 4; i++) open();
    expect(opened.map(({ wait }) => wait)).toEqual([1_000, 2_000, 4_000, 4_000]);
    answer(...Array.from({ length: SETTINGS.calls }, () => 'a'));
    fail(...Array.from({ length: SETTINGS.calls }, (_, index) => (index % 2 === 0 ? 'a' : 'b')));
    expect(opened.at(-1)?.wait).toBe(1_000);
  });

  it('learns nothing from calls that began before it looked anew', () => {
    const { made, fail } = breaker();
    const before = made.epoch;
    fail('a', 'b', 'a', 'b');
    made.restored();
    for (let i = 0; i < 20; i++) made.failed(before, `late ${i}`, {}, TIMEOUT);
    made.succeeded(before, 'late', {});
    expect(made.state).toBe('half_open');
  });

  it('stays closed when it is switched off, and when the upstream is down anyway', () => {
    const off = breaker({ enabled: false });
    off.fail('a', 'b', 'a', 'b', 'a', 'b');
    expect(off.made.state).toBe('closed');
    const down = breaker();
    down.live.serving = false;
    down.fail('a', 'b', 'a', 'b', 'a', 'b');
    expect([down.made.state, down.made.openings]).toEqual(['closed', 0]);
    // That was no opening, so the next one is the first.
    down.live.serving = true;
    down.fail('a');
    expect(down.opened.map(({ wait }) => wait)).toEqual([1_000]);
  });

  it('follows a reload', () => {
    const { made, live, fail } = breaker({ enabled: false });
    fail('a', 'b', 'a', 'b');
    live.breaker = { ...SETTINGS, minimum: 2 };
    fail('a');
    expect(made.state).toBe('closed');
    fail('b');
    expect(made.state).toBe('open');
  });

  it('takes more calls to judge by than it looks at for all of them', () => {
    const { made, fail } = breaker({ calls: 3, minimum: 5 });
    fail('a', 'b', 'a');
    expect(made.state).toBe('open');
  });
});

describe('a failure on the way', () => {
  const error = (code: ErrorCode, data = {}, notExecuted = false) => new GatewayError(code, 'x', { data, notExecuted });

  it.each([
    ['a refused connection', error('UPSTREAM_UNREACHABLE', {}, true)],
    ['a broken connection', error('UPSTREAM_DISCONNECTED')],
    ['silence', error('UPSTREAM_TIMEOUT')],
    ['a server that fails', error('UPSTREAM_HTTP', { status: 500 })],
    ['a proxy without a server', error('UPSTREAM_HTTP', { status: 502 })],
  ])('is %s', (_what, failure) => expect(failedOnTheWay(failure)).toBe(true));

  it.each([
    ['one user who may not', error('UPSTREAM_UNAUTHORIZED', { status: 401 })],
    ['one user who has no right', error('UPSTREAM_FORBIDDEN', { status: 403 })],
    ['a request it does not take', error('UPSTREAM_HTTP', { status: 415 })],
    ['a rate limit of its own', error('UPSTREAM_BUSY', { status: 429 })],
    ['a call that waited for a session', error('UPSTREAM_TIMEOUT', {}, true)],
    ['a session that is over', error('UPSTREAM_SESSION_LOST', {}, true)],
    ['a client that gave up', error('CANCELLED')],
    ['an answer too large', error('UPSTREAM_TOO_LARGE')],
  ])('is not %s', (_what, failure) => expect(failedOnTheWay(failure)).toBe(false));
});
