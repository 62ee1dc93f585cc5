import { describe, expect, it } from 'vitest';
import { principal } from '#libs/kernel';
import { TRUST, VerifiedTokens, verified } from './tokens/verified.js';

describe('verified tokens', () => {
  const reach = { everywhere: true, audiences: [] };
  const good = (expiresAt: number | undefined, size = 1_000) =>
    verified(principal('https://idp.example', 'ann', { expiresAt }), { reach, size, now: 1_000_000 });

  it('are trusted for a minute, and never beyond their end', () => {
    expect(good(undefined).until).toBe(1_000_000 + TRUST);
    expect(good(1_000_000 + TRUST + 1).until).toBe(1_000_000 + TRUST);
    expect(good(1_000_500).until).toBe(1_000_500);
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
