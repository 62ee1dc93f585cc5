import { describe, expect, it } from 'vitest';
import { principal } from '#libs/kernel';
import { TestClock } from './testing/bench.js';
import { isTrusted, TRUST, VerifiedTokens, verified } from './tokens/verified.js';

describe('verified tokens', () => {
  const reach = { everywhere: true, audiences: [] };
  const good = (expiresAt: number | undefined, size = 1_000) =>
    verified(principal('https://idp.example', 'ann', { expiresAt }), { reach, size, elapsed: 0 });

  it('are trusted for a minute, and never beyond their end', () => {
    const clock = new TestClock();
    const [lasting, short] = [good(undefined), good(clock.now() + 500)];
    const trusted = () => [isTrusted(lasting, clock), isTrusted(short, clock)];
    clock.pass(499);
    expect(trusted()).toEqual([true, true]);
    clock.pass(1);
    expect(trusted()).toEqual([true, false]);
    clock.pass(TRUST - 501);
    expect(trusted()).toEqual([true, false]);
    clock.pass(1);
    expect(trusted()).toEqual([false, false]);
  });

  it('are trusted no longer when the date is set back, and no further than their end when it is set forward', () => {
    const clock = new TestClock();
    const token = good(clock.now() + 3_600_000);
    clock.jump(2 * 3_600_000);
    expect(isTrusted(token, clock)).toBe(false);
    clock.jump(-4 * 3_600_000);
    clock.pass(TRUST);
    expect(isTrusted(token, clock)).toBe(false);
  });

  it('are bounded in number and in bytes, whatever they carry; the one unused for longest goes', () => {
    const small = new VerifiedTokens();
    for (let count = 0; count < 12_000; count++) {
      small.set(`digest-${count}`, good(undefined, 10));
      small.get('digest-0');
    }
    expect(small.size).toBe(10_000);
    expect(small.get('digest-0')).toBeDefined();
    expect(small.get('digest-1')).toBeUndefined();
    const large = new VerifiedTokens();
    for (let count = 0; count < 1_000; count++) large.set(`digest-${count}`, good(undefined, 64 * 1024));
    expect(large.size).toBeLessThan(150);
  });
});
